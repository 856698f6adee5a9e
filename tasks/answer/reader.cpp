// From texts to logits, vectors and slots. Read nn/model/model.h and tasks/spec/tasks.h first.
#include "tasks/answer/reader.h"

#include "engine/debug.h"
#include "nn/loss/ranking.h"
#include "tasks/model/predict.h"
#include "tasks/score/spans.h"

namespace answer {

using engine::check;
using engine::real;

namespace {

constexpr const char* kOutside = "O";

struct Word {
  size_t begin, end;
};

std::vector<Word> words_at(const std::string& text) {
  std::vector<Word> words;
  const char* blanks = " \t\n\v\f\r";
  for (size_t at = text.find_first_not_of(blanks); at != text.npos; at = text.find_first_not_of(blanks, at)) {
    const size_t end = std::min(text.find_first_of(blanks, at), text.size());
    words.push_back({at, end});
    at = end;
  }
  return words;
}

// "S-1042?" -> "S-1042"
std::string bare(std::string value) {
  const auto mark = [](unsigned char c) { return std::ispunct(c) && c != '%' && c != '$'; };
  while (!value.empty() && mark(static_cast<unsigned char>(value.back()))) value.pop_back();
  size_t begin = 0;
  while (begin < value.size() && mark(static_cast<unsigned char>(value[begin])) && value[begin] != '#') ++begin;
  return value.substr(begin);
}

}  // namespace

std::vector<spec::TaskSpec> tasks_of(const Knowledge& knowledge, bool layers, double label_smoothing) {
  std::vector<std::string> names, tags{kOutside};
  for (const Intent& intent : knowledge.intents) names.push_back(intent.name);
  for (const std::string& slot : knowledge.slots()) tags.insert(tags.end(), {"B-" + slot, "I-" + slot});
  spec::TaskSpec intent;
  intent.name = kIntent;
  intent.labels = text::Labels(names);
  intent.reads = layers ? nn::Reads::mean : nn::Reads::attention;
  intent.label_smoothing = label_smoothing;
  intent.metric = "accuracy";
  std::vector<spec::TaskSpec> tasks{intent};
  if (tags.size() == 1) return tasks;
  spec::TaskSpec slots;
  slots.name = kSlots;
  slots.head = nn::Predicts::tags;
  slots.labels = text::Labels(tags);
  slots.separator = " ";
  slots.metric = "entity_f1";
  tasks.push_back(slots);
  return tasks;
}

std::string tags_of(const Question& question) {
  std::string tags;
  const Marked* before = nullptr;
  for (const Word& word : words_at(question.text)) {
    const Marked* in = nullptr;
    for (const Marked& m : question.marked)
      if (m.begin < word.end && m.end > word.begin) in = &m;
    tags += (tags.empty() ? "" : " ") + (in ? (in == before ? "I-" : "B-") + in->slot : std::string(kOutside));
    before = in;
  }
  return tags;
}

std::vector<text::Example> examples_of(const Knowledge& knowledge) {
  std::vector<text::Example> examples;
  for (size_t k = 0; k < knowledge.intents.size(); ++k)
    for (const Question& q : knowledge.intents[k].questions) {
      text::Example& e = examples.emplace_back();
      e.text = q.text;
      e.label = int(k);
      e.where = q.where;
      e.target = tags_of(q);
    }
  return examples;
}

std::vector<text::Example> hints_of(const Knowledge& knowledge) {
  std::vector<text::Example> hints;
  const auto add = [&](size_t k, std::string text) {
    for (char& c : text)
      if (c == '_' || c == '{' || c == '}') c = ' ';
    text::Example e;
    e.text = text::Labels::tidy(text);
    e.label = int(k);
    e.where = knowledge.intents[k].where;
    e.target = tags_of({.text = e.text, .marked = {}, .where = e.where});
    if (!text::is_blank(e.text)) hints.push_back(e);
  };
  for (size_t k = 0; k < knowledge.intents.size(); ++k) {
    add(k, knowledge.intents[k].name);
    std::string sentence;
    for (const char c : knowledge.intents[k].answer + ".") {
      sentence += c;
      if (std::string_view(".:;!?").find(c) == std::string_view::npos) continue;
      if (words_at(sentence).size() > 1) add(k, sentence);
      sentence.clear();
    }
  }
  return hints;
}

Tensor unit_vectors(const Tensor& context, const text::Batch& batch) {
  return nn::unit_rows(text::mean_over_windows(context, batch));
}

Read read(const model::TextModel& model, const std::vector<std::string>& texts, const Wording* wording, double weight) {
  const engine::NoGrad no_grad;
  const text::EncodedSet set = encoded(model, texts);
  Read all;
  std::vector<Tensor> rows;
  for (const text::Batch& batch : text::in_order(set, model::kEvaluationBatch)) {
    const nn::Encoded x = model.net.encode(batch.tokens);
    nn::Trace trace;
    const Tensor logits = text::mean_over_windows(model.net.heads[0](x, &trace), batch);  // [B, K]
    check(engine::all_finite(logits.data(), logits.numel()), "the model's logits hold a NaN or infinity");
    for (long b = 0; b < logits.dim(0); ++b)
      all.logits.emplace_back(logits.data() + b * logits.dim(1), logits.data() + (b + 1) * logits.dim(1));
    rows.push_back(unit_vectors(trace.context, batch));  // [B, C]
    if (model.net.heads.size() < 2) continue;
    const std::vector<real> tags = engine::argmax(model.net.heads[1](x)).to_vector();  // [N]
    for (size_t b = 0; b < batch.rows.size(); ++b) {
      const int w = batch.windows[b];
      all.tags.emplace_back(tags.begin() + batch.tokens.offsets[size_t(w)],
                            tags.begin() + batch.tokens.offsets[size_t(w) + 1]);
    }
  }
  for (size_t i = 0; wording && i < texts.size(); ++i) {
    const std::vector<double> words = wording->logits(texts[i]);
    for (size_t k = 0; k < words.size(); ++k) all.logits[i][k] += weight * words[k];
  }
  all.vectors =
      rows.empty() ? Tensor(engine::Shape{0, model.net.heads[0].classifier->weight.dim(1)}) : engine::concat(rows, 0);
  return all;
}

text::EncodedSet encoded(const model::TextModel& model, const std::vector<std::string>& texts) {
  std::vector<text::Example> examples;
  for (const std::string& text : texts) examples.push_back({.text = text, .where = "a text"});
  return text::encode(examples, model.tokenizer, model.reading.max_length, model.reading.how());
}

std::map<std::string, std::string> values_of(const model::TextModel& model, const std::string& text,
                                             const Indices& tags) {
  std::map<std::string, std::string> values;
  if (tags.empty()) return values;
  const std::vector<std::string> names =
      model::tags_of_words(model.tasks[1], tags, spec::first_pieces(text, model.tokenizer, long(tags.size())));
  const std::vector<Word> words = words_at(text);
  for (const score::Span& span : score::spans_of(names)) {
    const std::string value =
        bare(text.substr(words[span.first].begin, words[span.last - 1].end - words[span.first].begin));
    if (!value.empty()) values.emplace(span.type, value);
  }
  return values;
}

}  // namespace answer
