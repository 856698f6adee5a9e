// attune.h, function by function: arguments checked, work handed on, numbers copied out. Read attune.h first, and
// tasks/capi/border.h for what surrounds each of them.
#include "tasks/capi/attune.h"

#include <algorithm>
#include <numeric>

#include "tasks/attribution/attention.h"
#include "tasks/capi/border.h"
#include "tasks/capi/handle.h"
#include "tasks/model/embed.h"
#include "tasks/model/predict.h"
#include "tasks/text/places.h"
#include "tasks/text/utf8.h"

#define STRING_OF(number) #number
#define TEXT_OF(number) STRING_OF(number)

namespace {

using capi::guarded;
using engine::check;
using engine::fail;
using model::TextModel;

const attune_model& the(const attune_model* handle, const char* who) {
  check(handle != nullptr, "{}: the model is NULL", who);
  return *handle;
}

std::string string_of(const char* bytes, const char* who, const std::string& what) {
  check(bytes != nullptr, "{}: {} is NULL", who, what);
  if (text::is_utf8(bytes)) return bytes;
  fail("{}: {} is not UTF-8, from byte {} on", who, what, text::repair_utf8(bytes).first_invalid);
}

text::Example example_of(const char* text, const char* pair, const char* who) {
  text::Example example{.text = string_of(text, who, "the text"), .where = who};
  if (pair) example.pair = string_of(pair, who, "the second text");
  return example;
}

std::vector<text::Example> examples_of(const char* const* texts, const char* const* pairs, size_t count,
                                       const char* who) {
  check(texts != nullptr || count == 0, "{}: the texts are NULL, but there are {}", who, count);
  std::vector<text::Example> examples(count);
  for (size_t i = 0; i < count; ++i) {
    examples[i].where = fmt::format("{}: text {}", who, i);
    examples[i].text = string_of(texts[i], who, fmt::format("text {}", i));
    if (pairs) examples[i].pair = string_of(pairs[i], who, fmt::format("second text {}", i));
  }
  return examples;
}

text::EncodedSet encoded(const TextModel& model, const std::vector<text::Example>& examples) {
  return text::encode(examples, model.tokenizer, model.reading.max_length, model.reading.how());
}

// A text as one sequence: what is to be read through windows, whole.
text::Encoding whole(const TextModel& model, const text::Example& example) {
  if (model.reading.how() != text::TooLong::window) return encoded(model, {example}).windows[0];
  constexpr int kUncut = 1 << 30;
  return text::encode({example}, model.tokenizer, kUncut).windows[0];
}

const spec::TaskSpec& task_of(const attune_model* handle, int64_t task, const char* who) {
  const attune_model& model = the(handle, who);
  check(task >= 0 && task < model.tasks(), "{}: there is no task {}; the model has {}{}", who, task, model.tasks(),
        model.tasks() ? ", from 0" : ": it is an encoder without a trained head");
  return model.model->tasks[size_t(task)];
}

int64_t outputs_of(const spec::TaskSpec& task) { return task.classifies() ? task.labels.size() : 1; }

// What count rows of K numbers each are together.
int64_t numbers_of(size_t count, int64_t K, const char* who) {
  int64_t numbers = 0;
  check(!__builtin_mul_overflow(count, K, &numbers), "{}: {} texts are more than there can be", who, count);
  return numbers;
}

void append(const std::vector<double>& from, double*& to) { to = std::copy(from.begin(), from.end(), to); }

// The heads of every layer, then of the heads of tasks that have queries of their own.
std::vector<long> heads_of(const nn::Model& net) {
  std::vector<long> heads;
  if (net.encoder.bert())
    for (const nn::BertLayer& layer : net.encoder.bert()->layers) heads.push_back(layer.attention.heads);
  for (const nn::Head& head : net.heads)
    if (head.pool) heads.push_back(head.pool->queries.dim(0));
  return heads;
}

long heads_of(const attune_model& model, int64_t layer, const char* who) {
  const std::vector<long> heads = heads_of(model.model->net);
  check(layer >= 0 && layer < int64_t(heads.size()), "{}: there is no layer {}; the model has {}{}", who, layer,
        heads.size(), heads.empty() ? "" : ", from 0");
  return heads[size_t(layer)];
}

std::vector<int> words_of(const std::vector<text::Place>& places) {
  std::vector<int> words;
  for (const text::Place& place : places) words.push_back(place.word);
  return words;
}

}  // namespace

const char* attune_version(void) { return TEXT_OF(ATTUNE_VERSION_MAJOR) "." TEXT_OF(ATTUNE_VERSION_MINOR); }

const char* attune_error(void) { return capi::remembered(); }

attune_model* attune_load(const char* directory, const char* options) {
  return guarded<attune_model*>(nullptr, [&] { return new attune_model(directory, options); });
}

void attune_free(attune_model* model) {
  guarded(0, [&] { return delete model, 0; });
}

int64_t attune_tasks(const attune_model* model) {
  return guarded<int64_t>(ATTUNE_ERROR, [&] { return the(model, "attune_tasks").tasks(); });
}

int64_t attune_task(const attune_model* model, const char* name) {
  return guarded<int64_t>(ATTUNE_ERROR, [&]() -> int64_t {
    const attune_model& m = the(model, "attune_task");
    const std::string wanted = string_of(name, "attune_task", "the name");
    check(m.tasks() > 0, "attune_task: the model has no tasks: it is an encoder without a trained head");
    if (m.tasks() == 1 && m.model->tasks[0].name == wanted) return 0;
    return int64_t(m.model->task(wanted));
  });
}

const char* attune_task_name(const attune_model* model, int64_t task) {
  return guarded<const char*>(nullptr, [&] { return task_of(model, task, "attune_task_name").name.c_str(); });
}

const char* attune_predicts(const attune_model* model, int64_t task) {
  return guarded<const char*>(nullptr,
                              [&] { return spec::head_name(task_of(model, task, "attune_predicts").head).c_str(); });
}

int64_t attune_outputs(const attune_model* model, int64_t task) {
  return guarded<int64_t>(ATTUNE_ERROR, [&] { return outputs_of(task_of(model, task, "attune_outputs")); });
}

const char* attune_label(const attune_model* model, int64_t task, int64_t k) {
  return guarded<const char*>(nullptr, [&] {
    const text::Labels& labels = task_of(model, task, "attune_label").labels;
    check(!labels.empty(), "attune_label: task {} predicts a number, which has no label", task);
    check(k >= 0 && k < labels.size(), "attune_label: there is no label {}; task {} has {}, from 0", k, task,
          labels.size());
    return labels.name(int(k)).c_str();
  });
}

int64_t attune_classify(const attune_model* model, int64_t task, const char* const* texts, const char* const* pairs,
                        size_t count, int64_t* classes, double* scores, size_t size) {
  return guarded<int64_t>(ATTUNE_ERROR, [&] {
    const char* who = "attune_classify";
    const spec::TaskSpec& spec = task_of(model, task, who);
    check(spec.head != nn::Predicts::tags, "{}: task {} labels words, not texts", who, task);
    const int64_t numbers = numbers_of(count, outputs_of(spec), who);
    if (!capi::wants(who, scores, size, numbers)) return numbers;
    const capi::Threads threads(model->threads);
    const text::EncodedSet set = encoded(*model->model, examples_of(texts, pairs, count, who));
    const model::Outputs outputs = model::predict(*model->model, set, {size_t(task)})[0];
    for (const std::vector<double>& row : outputs.scores) append(row, scores);
    for (size_t i = 0; classes && i < count; ++i) classes[i] = outputs.best_of(i);
    return numbers;
  });
}

int64_t attune_embed(const attune_model* model, const char* const* texts, size_t count, float* vectors, size_t size) {
  return guarded<int64_t>(ATTUNE_ERROR, [&] {
    const char* who = "attune_embed";
    const TextModel& m = *the(model, who).model;
    const int64_t numbers = numbers_of(count, model::vector_width(m), who);
    if (!capi::wants(who, vectors, size, numbers)) return numbers;
    const capi::Threads threads(model->threads);
    const engine::Tensor all = model::embed(m, encoded(m, examples_of(texts, nullptr, count, who)), model->pooling);
    std::copy_n(all.data(), all.numel(), vectors);
    return numbers;
  });
}

int64_t attune_tokenize(const attune_model* model, const char* text, const char* pair, int64_t* tokens, size_t size) {
  return guarded<int64_t>(ATTUNE_ERROR, [&] {
    const char* who = "attune_tokenize";
    const TextModel& m = *the(model, who).model;
    const text::Example example = example_of(text, pair, who);
    const text::Encoding encoding = whole(m, example);
    const int64_t numbers = int64_t(encoding.ids.size()) * ATTUNE_FIELDS;
    if (!capi::wants(who, tokens, size, numbers)) return numbers;
    const std::vector<text::Place> places = text::places_of(encoding, example.text, example.pair, m.tokenizer);
    for (size_t t = 0; t < places.size(); ++t, tokens += ATTUNE_FIELDS) {
      tokens[ATTUNE_ID] = encoding.ids[t];
      tokens[ATTUNE_TEXT] = places[t].text;
      tokens[ATTUNE_BEGIN] = int64_t(places[t].begin);
      tokens[ATTUNE_END] = int64_t(places[t].end);
      tokens[ATTUNE_WORD] = places[t].word;
    }
    return numbers;
  });
}

const char* attune_piece(const attune_model* model, int64_t id) {
  return guarded<const char*>(nullptr, [&] {
    const text::WordPiece& tokenizer = the(model, "attune_piece").model->tokenizer;
    check(id >= 0 && id < tokenizer.vocab_size(), "attune_piece: there is no piece {}; ids are 0 to {}", id,
          tokenizer.vocab_size() - 1);
    return tokenizer.piece(int(id)).c_str();
  });
}

int64_t attune_layers(const attune_model* model) {
  return guarded<int64_t>(ATTUNE_ERROR,
                          [&] { return int64_t(heads_of(the(model, "attune_layers").model->net).size()); });
}

int64_t attune_heads(const attune_model* model, int64_t layer) {
  return guarded<int64_t>(ATTUNE_ERROR, [&] { return heads_of(the(model, "attune_heads"), layer, "attune_heads"); });
}

int64_t attune_attention(const attune_model* model, const char* text, const char* pair, int64_t layer, int64_t head,
                         int unit, float* maps, size_t size) {
  return guarded<int64_t>(ATTUNE_ERROR, [&] {
    const char* who = "attune_attention";
    const TextModel& m = *the(model, who).model;
    const long H = heads_of(*model, layer, who);
    check(head >= -1 && head < H, "{}: there is no head {}; layer {} has {}, from 0, and -1 is all of them", who, head,
          layer, H);
    check(unit == ATTUNE_TOKENS || unit == ATTUNE_WORDS, "{}: the unit is ATTUNE_TOKENS or ATTUNE_WORDS; got {}", who,
          unit);
    const text::Example example = example_of(text, pair, who);
    const text::EncodedSet set = encoded(m, {example});
    check(set.windows.size() == 1, "{}: a text that is read through {} windows has no one map", who,
          set.windows.size());
    const text::Encoding& encoding = set.windows[0];
    std::vector<int> words(encoding.ids.size());
    std::iota(words.begin(), words.end(), 0);
    if (unit == ATTUNE_WORDS) words = words_of(text::places_of(encoding, example.text, example.pair, m.tokenizer));
    const bool in_encoder = m.net.encoder.bert() && layer < int64_t(m.net.encoder.bert()->layers.size());
    const int64_t T = words.back() + 1, block = (in_encoder ? T : 1) * T, numbers = (head < 0 ? H : 1) * block;
    if (!capi::wants(who, maps, size, numbers)) return numbers;
    const capi::Threads threads(model->threads);
    attribution::AttentionMap map = attribution::attention_maps(m, encoding)[size_t(layer)];
    if (unit == ATTUNE_WORDS) map = attribution::over_words(map, words);
    std::copy_n(map.p.begin() + std::max<int64_t>(head, 0) * block, numbers, maps);
    return numbers;
  });
}
