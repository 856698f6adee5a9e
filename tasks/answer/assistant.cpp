// From a run's directory to an assistant, and from a text to what it understands. Read tasks/answer/assistant.h first.
#include "tasks/answer/assistant.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "engine/strings.h"
#include "nn/format/json.h"
#include "nn/format/sealed.h"
#include "tasks/attribution/attention.h"
#include "tasks/attribution/words.h"
#include "tasks/score/calibration.h"
#include "tasks/score/confidence.h"
#include "tasks/score/nearest.h"
#include "tasks/score/order.h"
#include "tasks/score/refusal.h"

namespace answer {

using engine::check;
using engine::real;
using nn::json;
using nn::ordered_json;

namespace {

// Where a promise cannot be kept, the likeliest intents are taken for as likely as each other if they are as near as
// this: Rasa's ambiguity threshold. It promises nothing.
constexpr double kClose = 0.1;

bool in_word(const std::string& text, size_t at) {
  const auto c = at < text.size() ? static_cast<unsigned char>(text[at]) : ' ';
  return std::isalnum(c) || c >= 0x80;
}

// Values that a question of the file marks, where the text has them as whole words and the tags have marked nothing for
// the slot: the longest of each.
void add_known_values(const Knowledge& knowledge, const std::string& text, std::map<std::string, std::string>& values) {
  const std::string own = engine::ascii_lower(text);
  std::map<std::string, std::string> known;
  for (const Intent& intent : knowledge.intents)
    for (const Question& q : intent.questions)
      for (const Marked& m : q.marked) {
        const std::string value = engine::ascii_lower(q.text.substr(m.begin, m.end - m.begin));
        const size_t at = own.find(value), end = at + value.size();
        if (at == own.npos || (at > 0 && in_word(own, at - 1)) || in_word(own, end)) continue;
        if (value.size() > known[m.slot].size()) known[m.slot] = text.substr(at, value.size());
      }
  values.merge(known);  // what is there stays
}

Tensor matrix_of(const std::vector<std::vector<double>>& rows, long width) {
  Tensor x({long(rows.size()), width});
  for (size_t i = 0; i < rows.size(); ++i) std::copy(rows[i].begin(), rows[i].end(), x.data() + long(i) * width);
  return x;
}

Tensor labels_of(const std::vector<text::Example>& examples) {
  Tensor x(engine::Shape{long(examples.size())});
  for (size_t i = 0; i < examples.size(); ++i) x.data()[i] = real(examples[i].label);
  return x;
}

Indices classes_of(const std::vector<text::Example>& examples) {
  Indices classes;
  for (const text::Example& e : examples) classes.push_back(e.label);
  return classes;
}

// [n]: one of K classes for each row of `of`, a matrix of the same file.
Indices classes_in(const nn::SafeTensors& file, const std::string& name, const Tensor& of, long K) {
  const std::vector<real> values = file.read(name).to_vector();
  check(of.shape().rank() == 2 && of.dim(0) == long(values.size()), "{}: '{}' has {} numbers, for rows of {}",
        file.path(), name, values.size(), of);
  for (const real value : values)
    check(value >= 0 && value < real(K) && value == std::floor(value), "{}: '{}': classes are 0 to {}; got {}",
          file.path(), name, K - 1, value);
  return {values.begin(), values.end()};
}

std::vector<std::string> learned_texts(const nn::SafeTensors& file, const Tensor& vectors) {
  const auto stored = file.metadata().find("learned");
  const json texts = stored == file.metadata().end() ? json() : nn::parse_json(stored->second, file.path());
  check(texts.is_array() && long(texts.size()) == vectors.dim(0), "{}: {} texts, but {} vectors", file.path(),
        texts.size(), vectors.dim(0));
  std::vector<std::string> learned;
  for (const json& text : texts) {
    check(text.is_string(), "{}: a text must be a string; got {}", file.path(), nn::shown_json(text));
    learned.push_back(text);
  }
  return learned;
}

std::vector<std::string> texts_of(const std::vector<text::Example>& examples) {
  std::vector<std::string> texts;
  for (const text::Example& e : examples) texts.push_back(e.text);
  return texts;
}

Promises promises_of(const json& settings, const OtherPromises& others, const std::string& where) {
  Promises p;
  const nn::JsonObject object(settings, where);
  object.take("detector", p.detector);
  object.take("refuse", p.refuse);
  object.take("ask", p.ask);
  p.detector = others.detector.value_or(p.detector);
  p.refuse = others.refuse.value_or(p.refuse);
  p.ask = others.ask.value_or(p.ask);
  spec::check_name(where + ": detector", p.detector, kDetectors);
  return p;
}

std::vector<std::vector<double>> rows_of(const Tensor& x) {
  std::vector<std::vector<double>> rows;
  for (long i = 0; i < x.dim(0); ++i) rows.emplace_back(x.data() + i * x.dim(1), x.data() + (i + 1) * x.dim(1));
  return rows;
}

// Of few questions, or of few wrong ones, it stays 1, as model::calibration_of() has it: that of two right ones is near
// 0, and whatever comes after is then certain.
double temperature_of(const Read& kept, const Indices& classes, std::vector<std::string>& doubts) {
  long wrong = 0;
  for (size_t i = 0; i < classes.size(); ++i) wrong += score::largest(kept.logits[i]) != classes[i];
  if (long(classes.size()) < model::kFewestTexts || wrong < model::kFewestWrong) {
    doubts.push_back(
        fmt::format("calibration: {} questions, {} of them wrong, are too few for a temperature, which "
                    "needs {} and {}: it stays 1",
                    classes.size(), wrong, model::kFewestTexts, model::kFewestWrong));
    return 1;
  }
  const double temperature = score::best_temperature(kept.logits, classes);
  const std::string why = score::no_measurement(temperature, false);
  if (!why.empty()) doubts.push_back("calibration: " + why);
  return temperature;
}

}  // namespace

Calibration calibrate(const Read& kept, const Indices& classes, const Scope& scope, const Promises& promises) {
  Calibration c;
  c.questions = long(classes.size());
  c.threshold = -score::kEveryClass;
  c.nonconformity = score::kEveryClass;
  const auto needs = [&](double alpha) { return std::ceil(1 / alpha) - 1; };
  if (promises.refuse > 0 && double(c.questions) < needs(promises.refuse))
    c.doubts.push_back(
        fmt::format("{} questions were kept for calibration, a promise to refuse at most {:g} % needs "
                    "{:.0f}: nothing is refused",
                    c.questions, 100 * promises.refuse, needs(promises.refuse)));
  if (double(c.questions) < needs(promises.ask))
    c.doubts.push_back(
        fmt::format("{} questions were kept for calibration, a promise to miss at most {:g} % needs "
                    "{:.0f}: it asks back where two intents are within {:g} of each other",
                    c.questions, 100 * promises.ask, needs(promises.ask), kClose));
  if (classes.empty()) return c;
  c.temperature = temperature_of(kept, classes, c.doubts);
  if (promises.refuse > 0)
    c.threshold = score::refusal_threshold(scope.scores(promises.detector, kept, c.temperature), promises.refuse);
  std::vector<double> own;
  for (size_t i = 0; i < classes.size(); ++i)
    own.push_back(1 - score::probabilities(kept.logits[i], c.temperature)[size_t(classes[i])]);
  c.nonconformity = score::conformal_threshold(own, promises.ask);
  return c;
}

Assistant::Assistant(const std::string& directory, const OtherPromises& others) : directory_(directory) {
  const std::string settings = directory + "/" + kSettings;
  if (std::filesystem::is_directory(directory)) nn::require_sound_directory(directory);
  check(std::filesystem::exists(settings), "{}: not an assistant: {} is missing; `answer train --out {}` makes one",
        directory, kSettings, directory);
  settings_ = nn::read_json(settings);
  promises_ = promises_of(settings_, others, settings);
  const model::ModelDirectory from(directory);
  model_ = model::load_model(from);
  check(!model_->tasks.empty() && model_->tasks[0].name == kIntent, "{}: its first task must be '{}'", from.path,
        kIntent);
  model_->net.params.freeze("*");
  knowledge_ = parse_knowledge(nn::read_file(directory + "/" + kKnowledge), directory + "/" + kKnowledge);
  check(tasks_of(knowledge_, true)[0].labels.names() == model_->tasks[0].labels.names(),
        "{}: the intents of {} are not those that the model learned", directory, kKnowledge);
  index_ = std::make_unique<Index>(Index::load(directory + "/" + kIndex, hash_of(from.path)));
  nn::JsonObject(settings_, settings).take("wording", wording_weight_);
  wording_ = std::make_unique<Wording>(Wording::load(directory + "/" + kWording));
  check(wording_->classes() == long(knowledge_.intents.size()), "{}: of {} intents; there are {}", kWording,
        wording_->classes(), knowledge_.intents.size());
  const nn::SafeTensors file(directory + "/" + kQuestions);
  const nn::Head& head = model_->net.heads[0];
  check(head.classifier.has_value(), "{}: the head of intents has no classifier", from.path);
  const long K = long(knowledge_.intents.size()), C = head.classifier->weight.dim(1);  // of attention: heads x hidden
  const Tensor learned = file.read("learned.vectors"), logits = file.read("kept.logits");
  scope_ = std::make_unique<Scope>(learned, classes_in(file, "learned.classes", learned, K));
  kept_.vectors = file.read("kept.vectors");
  kept_classes_ = classes_in(file, "kept.classes", kept_.vectors, K);
  check(logits.shape() == engine::Shape{kept_.vectors.dim(0), K} && kept_.vectors.dim(1) == C && learned.dim(1) == C,
        "{}: vectors of {} and logits of {} numbers are needed; got {}, {} and {}", file.path(), C, K, learned,
        kept_.vectors, logits);
  kept_.logits = rows_of(logits);
  learned_ = learned_texts(file, learned);
  calibration_ = calibrate(kept_, kept_classes_, *scope_, promises_);
}

Read Assistant::read(const std::vector<std::string>& texts) const {
  return answer::read(*model_, texts, wording_.get(), wording_weight_);
}

std::vector<Understanding> Assistant::understand(const std::vector<std::string>& texts) const {
  const Read all = read(texts);
  const std::vector<double> scores = scope_->scores(promises_.detector, all, calibration_.temperature);
  const score::Neighbours near = score::nearest(all.vectors, scope_->vectors(), 1);
  std::vector<Understanding> understood;
  for (size_t i = 0; i < texts.size(); ++i) {
    Understanding& u = understood.emplace_back();
    u.text = texts[i];
    u.p = score::probabilities(all.logits[i], calibration_.temperature);
    u.ranked = score::order_of(u.p);
    u.score = scores[i];
    u.in_scope = u.score >= calibration_.threshold;
    const double promised = calibration_.nonconformity;
    const double limit = promised < score::kEveryClass ? promised : 1 - (u.p[size_t(u.ranked[0])] - kClose);
    const std::vector<int> set = score::conformal_set(score::least_ambiguous(u.p), limit);
    for (const int k : u.ranked)
      if (std::ranges::count(set, k)) u.offered.push_back(k);
    if (!all.tags.empty()) u.values = values_of(*model_, texts[i], all.tags[i]);
    add_known_values(knowledge_, texts[i], u.values);
    u.nearest = learned_[size_t(near.index[i])];
    u.cosine = double(near.score[i]);
    u.vector = engine::slice(all.vectors, 0, long(i), long(i) + 1);
  }
  return understood;
}

std::vector<Assistant::Word> Assistant::words(const std::string& text, int intent) const {
  const text::EncodedSet set = encoded(*model_, {text});
  const auto shares = attribution::word_shares(*model_, 0, {{.text = text}}, set, {intent})[0];
  std::vector<Word> words;
  for (const attribution::WordShare& w : shares) words.push_back({w.word, w.share, 0});
  const std::vector<attribution::AttentionMap> maps = attribution::attention_maps(*model_, set.windows[0]);
  if (maps.empty()) return words;
  const attribution::AttentionMap& last = maps.back();
  const std::vector<text::Span> spans = model_->tokenizer.spans(text);
  const double weight = 1.0 / double(last.heads * last.queries);
  for (long key = 1; key + 1 < last.keys && size_t(key) <= spans.size(); ++key)
    for (size_t w = 0; w < words.size(); ++w) {
      if (spans[size_t(key) - 1].begin < shares[w].begin || spans[size_t(key) - 1].begin >= shares[w].end) continue;
      for (long row = 0; row < last.heads * last.queries; ++row)
        words[w].attention += weight * double(last.p[size_t(row * last.keys + key)]);
    }
  return words;
}

void save_assistant(const std::string& directory, const model::TextModel& model, const std::string& model_directory,
                    const Lesson& lesson, const TrainOptions& o) {
  const std::vector<text::Example>* part = lesson.set.corpora[0].examples;
  const long K = long(lesson.knowledge.intents.size());
  std::vector<text::Example> written = part[spec::kTrain];
  written.resize(lesson.written);
  const std::vector<std::string> texts = texts_of(written);
  const Wording wording(texts, classes_of(written), K, o.training.seed);
  const Read learned = answer::read(model, texts);
  const Read kept = answer::read(model, texts_of(part[spec::kDev]), &wording, o.wording);
  const auto named = [](const Tensor& x, const char* name) { return x.clone().named(name); };
  nn::save_safetensors(directory + "/" + kQuestions,
                       {named(learned.vectors, "learned.vectors"), named(labels_of(written), "learned.classes"),
                        named(kept.vectors, "kept.vectors"), named(matrix_of(kept.logits, K), "kept.logits"),
                        named(labels_of(part[spec::kDev]), "kept.classes")},
                       {{"learned", ordered_json(texts).dump()}});
  wording.save(directory + "/" + kWording);
  Index(lesson.knowledge.articles, model, hash_of(model_directory)).save(directory + "/" + kIndex);
  nn::write_file(directory + "/" + kKnowledge, lesson.knowledge.json_lines());
  ordered_json test = ordered_json::array();
  for (const text::Example& e : part[spec::kTest])
    test.push_back({{"text", e.text}, {"intent", lesson.knowledge.intents[size_t(e.label)].name}, {"tags", e.target}});
  const ordered_json settings{
      {"detector", o.promises.detector}, {"refuse", o.promises.refuse}, {"ask", o.promises.ask}, {"wording", o.wording},
      {"shop", o.data.empty()},          {"left_out", lesson.left_out}, {"test", test}};
  nn::write_file(directory + "/" + kSettings, settings.dump(2) + "\n");  // last: what says that the rest is there
}

}  // namespace answer
