// The functions of attune.h beside what the library says in C++, their sizes, and what they refuse.
#include "tasks/capi/attune.h"

#include <malloc.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <thread>

#include "nn/format/files.h"
#include "nn/format/json_value.h"
#include "tasks/model/directory.h"
#include "tasks/model/embed.h"
#include "tasks/model/predict.h"
#include "tests/support/tasks.h"

using namespace test;
namespace fs = std::filesystem;

namespace {

struct Free {
  void operator()(attune_model* model) const { attune_free(model); }
};
using Handle = std::unique_ptr<attune_model, Free>;

Handle load(const std::string& directory, const char* options = nullptr) {
  Handle model(attune_load(directory.c_str(), options));
  REQUIRE_MESSAGE(model, attune_error());
  return model;
}

std::string golden(const std::string& name) { return "tests/golden/directories/" + name; }

// Why a call that must fail has failed.
std::string why_not(int64_t result) {
  CHECK(result == ATTUNE_ERROR);
  return attune_error();
}
std::string why_not(const void* result) {
  CHECK(result == nullptr);
  return attune_error();
}
std::string refused(const std::string& directory, const char* options = nullptr) {
  return why_not(attune_load(directory.c_str(), options));
}

const char* const kTexts[] = {"The waiter was kind and the soup was warm.", "Nobody said why the bus was late.", "a",
                              "It was."};
constexpr size_t kCount = std::size(kTexts);

struct Said {
  std::vector<int64_t> classes;
  std::vector<double> scores;
  bool operator==(const Said&) const = default;
};
Said classify(const attune_model* model, int64_t task = 0) {
  const int64_t size = attune_classify(model, task, kTexts, nullptr, kCount, nullptr, nullptr, 0);
  REQUIRE_MESSAGE(size > 0, attune_error());
  Said said{std::vector<int64_t>(kCount), std::vector<double>(size_t(size))};
  REQUIRE(attune_classify(model, task, kTexts, nullptr, kCount, said.classes.data(), said.scores.data(), size) == size);
  return said;
}

std::vector<float> embed(const attune_model* model) {
  std::vector<float> vectors(size_t(attune_embed(model, kTexts, kCount, nullptr, 0)));
  REQUIRE(attune_embed(model, kTexts, kCount, vectors.data(), vectors.size()) == int64_t(vectors.size()));
  return vectors;
}

std::vector<float> attention(const attune_model* model, const char* text, int64_t layer, int64_t head, int unit) {
  const int64_t size = attune_attention(model, text, nullptr, layer, head, unit, nullptr, 0);
  REQUIRE_MESSAGE(size > 0, attune_error());
  std::vector<float> maps(static_cast<size_t>(size));
  REQUIRE(attune_attention(model, text, nullptr, layer, head, unit, maps.data(), maps.size()) == size);
  return maps;
}

std::vector<int64_t> tokens_of(const attune_model* model, const char* text, const char* pair = nullptr) {
  std::vector<int64_t> tokens(size_t(attune_tokenize(model, text, pair, nullptr, 0)));
  REQUIRE(attune_tokenize(model, text, pair, tokens.data(), tokens.size()) == int64_t(tokens.size()));
  return tokens;
}

}  // namespace

TEST_CASE("capi: classes and probabilities are those of predict, of every kind of head") {
  for (const std::string name : {"bert", "pool", "several"}) {
    CAPTURE(name);
    const Handle model = load(golden(name));
    const auto same = model::load_model(model::ModelDirectory(golden(name)));
    same->net.pack();  // as the handle's and that of predict
    REQUIRE(attune_tasks(model.get()) == int64_t(same->tasks.size()));
    std::vector<text::Example> examples;
    for (const char* text : kTexts) examples.push_back({.text = text});
    const text::EncodedSet set = text::encode(examples, same->tokenizer, same->reading.max_length);
    const std::vector<model::Outputs> outputs = model::predict(*same, set);
    for (size_t task = 0; task < outputs.size(); ++task) {
      const spec::TaskSpec& spec = same->tasks[task];
      CHECK(attune_task(model.get(), spec.name.c_str()) == int64_t(task));
      CHECK(attune_task_name(model.get(), int64_t(task)) == spec.name);
      const bool number = spec.head == nn::Predicts::number;
      CHECK(attune_predicts(model.get(), int64_t(task)) == std::string(number ? "regression" : "label"));
      const Said said = classify(model.get(), int64_t(task));
      std::vector<double> expected;
      const model::Outputs alone = model::predict(*same, set, {task})[0];  // beside other heads a last digit may differ
      for (const std::vector<double>& row : alone.scores) expected.insert(expected.end(), row.begin(), row.end());
      CHECK(said.scores == expected);
      for (size_t i = 0; i < kCount; ++i) CHECK(said.classes[i] == outputs[task].best_of(i));
      CHECK(attune_outputs(model.get(), int64_t(task)) == (number ? 1 : 3));
      if (!number) CHECK(attune_label(model.get(), int64_t(task), 2) == std::string("neutral"));
    }
  }
}

TEST_CASE("capi: golden: what the directory of an earlier version said comes out of C, too") {
  const Handle model = load(golden("bert"));
  const std::string lines = nn::read_file(golden("bert") + "/expected.jsonl");
  const auto line = nn::json::parse(lines.substr(0, lines.find('\n')));
  const std::string text = line["text"];
  const char* const texts[] = {text.c_str()};
  double p[3];
  REQUIRE(attune_classify(model.get(), 0, texts, nullptr, 1, nullptr, p, 3) == 3);
  for (int k = 0; k < 3; ++k)
    CHECK(p[k] == doctest::Approx(line["probabilities"][attune_label(model.get(), 0, k)].get<double>()).epsilon(1e-5));
}

TEST_CASE("capi: the model that ships is loaded by its name: an encoder, which embeds") {
  const Handle mini = load("mini", "pooling = first\nthreads = 1");
  CHECK(attune_tasks(mini.get()) == 0);
  CHECK(attune_layers(mini.get()) == 2);
  CHECK(attune_heads(mini.get(), 1) == 4);
  CHECK(why_not(attune_classify(mini.get(), 0, kTexts, nullptr, kCount, nullptr, nullptr, 0)) ==
        "attune_classify: there is no task 0; the model has 0: it is an encoder without a trained head");
  const std::vector<float> first = embed(mini.get()), mean = embed(load("mini").get());
  REQUIRE(first.size() == kCount * 256);
  CHECK(!same_bits(first, mean));
  const Handle classifier = load(golden("bert"));
  const auto same = model::load_model(model::ModelDirectory(golden("bert")));
  std::vector<text::Example> examples;
  for (const char* text : kTexts) examples.push_back({.text = text});
  const Tensor expected = model::embed(*same, text::encode(examples, same->tokenizer, 24));
  CHECK(same_bits(embed(classifier.get()), expected.to_vector()));
}

TEST_CASE("capi: tokens have ids, bytes and words; of a pair each its text; a long text is as long as it is read") {
  const Handle mini = load("mini");
  const std::string text = "The waiter caf\u00e9.";
  const std::vector<int64_t> tokens = tokens_of(mini.get(), text.c_str());
  std::string pieces, bytes, words;
  for (size_t t = 0; t < tokens.size(); t += ATTUNE_FIELDS) {
    pieces += std::string(attune_piece(mini.get(), tokens[t + ATTUNE_ID])) + " ";
    bytes +=
        text.substr(size_t(tokens[t + ATTUNE_BEGIN]), size_t(tokens[t + ATTUNE_END] - tokens[t + ATTUNE_BEGIN])) + " ";
    words += std::to_string(tokens[t + ATTUNE_WORD]);
    CHECK(tokens[t + ATTUNE_TEXT] == 0);
  }
  CHECK(pieces == "[CLS] the wait ##er cafe . [SEP] ");
  CHECK(bytes == " The wait er caf\u00e9 .  ");
  CHECK(words == "0122345");
  const std::vector<int64_t> pair = tokens_of(mini.get(), "the", "bus the");
  REQUIRE(pair.size() == 6 * ATTUNE_FIELDS);  // [CLS] the [SEP] bus the [SEP]
  CHECK(pair[4 * ATTUNE_FIELDS + ATTUNE_TEXT] == 1);
  CHECK(pair[4 * ATTUNE_FIELDS + ATTUNE_BEGIN] == 4);
  CHECK(tokens_of(load("mini", "max-length = 4").get(), kTexts[0]).size() == 4 * ATTUNE_FIELDS);
  CHECK(tokens_of(load("mini", "max-length = 4\nlong = window").get(), kTexts[0]).size() == 13 * ATTUNE_FIELDS);
  const Handle strict = load("mini", "max-length = 4\nlong = error");
  CHECK(why_not(attune_tokenize(strict.get(), kTexts[0], nullptr, nullptr, 0)) ==
        "attune_tokenize: a text of 13 tokens, more than the 4 that are allowed");
}

TEST_CASE("capi: attention of a head or of all, over tokens or over words; rows add up to 1") {
  const Handle mini = load("mini");
  const char* text = "the waiter soup";  // 6 tokens, 5 words
  const std::vector<float> all = attention(mini.get(), text, 1, -1, ATTUNE_TOKENS);
  REQUIRE(all.size() == 4 * 6 * 6);
  const std::vector<float> third = attention(mini.get(), text, 1, 2, ATTUNE_TOKENS);
  CHECK(std::equal(third.begin(), third.end(), all.begin() + 2 * 36));
  const std::vector<float> words = attention(mini.get(), text, 1, 2, ATTUNE_WORDS);
  REQUIRE(words.size() == 25);
  for (int w = 0; w < 5; ++w) {
    double sum = 0;
    for (int k = 0; k < 5; ++k) sum += words[size_t(5 * w + k)];
    CHECK(sum == doctest::Approx(1).epsilon(1e-5));
  }
  CHECK(words[2] == doctest::Approx(third[2] + third[3]));  // [CLS] to the word of two tokens
  const Handle pool = load(golden("pool"));
  REQUIRE(attune_layers(pool.get()) == 1);
  const int64_t H = attune_heads(pool.get(), 0);
  CHECK(int64_t(attention(pool.get(), "It was.", 0, -1, ATTUNE_TOKENS).size()) ==
        H * int64_t(tokens_of(pool.get(), "It was.").size()) / ATTUNE_FIELDS);
  const Handle windows = load("mini", "max-length = 4\nlong = window");
  CHECK(why_not(attune_attention(windows.get(), kTexts[0], nullptr, 0, 0, ATTUNE_TOKENS, nullptr, 0)) ==
        "attune_attention: a text that is read through 6 windows has no one map");
}

TEST_CASE("capi: an adapter is loaded over its base, by the option or where its directory says") {
  const TemporaryDirectory dir;
  fs::copy(golden_path("bert-micro"), dir.path + "/base");
  std::string vocab = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
  for (long i = 5; i < nn::read_config(dir.path + "/base/config.json").vocab_size; ++i)
    vocab += fmt::format("w{}\n", i);
  dir.write("base/vocab.txt", vocab);
  const std::string adapter = golden_path("adapters/lora-micro"), option = "base = \"" + dir.path + "/base\"";
  const char* const texts[] = {"w7 w9 w8"};
  double with[3], without[3];
  CHECK(attune_classify(load(adapter, option.c_str()).get(), 0, texts, nullptr, 1, nullptr, with, 3) == 3);
  CHECK(attune_classify(load(dir.path + "/base").get(), 0, texts, nullptr, 1, nullptr, without, 3) == 3);
  CHECK(with[0] != without[0]);
  CHECK(refused(adapter).find("which is not there; --base DIR says where it is") != std::string::npos);
  CHECK(refused(dir.path + "/base", option.c_str()).find("--base is for an adapter directory") != std::string::npos);
}

TEST_CASE("capi: two threads with one model get the same bits as alone, also with other numbers of threads") {
  const Handle model = load(golden("bert")), mini = load("mini"), single = load("mini", "threads = 1");
  const Said alone = classify(model.get());
  const std::vector<float> vectors = embed(mini.get()), maps = attention(mini.get(), kTexts[0], 1, -1, ATTUNE_WORDS);
  CHECK(same_bits(embed(single.get()), vectors));
  int wrong[2] = {};
  const auto work = [&](int& count) {
    for (int i = 0; i < 20; ++i) {
      const std::string twice = fmt::format("error {}", i);
      count += classify(model.get()) != alone;
      count += !same_bits(embed(mini.get()), vectors);
      count += !same_bits(attention(mini.get(), kTexts[0], 1, -1, ATTUNE_WORDS), maps);
      count += attune_task(model.get(), twice.c_str()) != ATTUNE_ERROR ||
               std::string(attune_error()).find(twice) == std::string::npos;  // this thread's own
    }
  };
  std::thread other([&] { work(wrong[1]); });
  work(wrong[0]);
  other.join();
  CHECK(wrong[0] == 0);
  CHECK(wrong[1] == 0);
}

TEST_CASE("capi: size 0 asks and computes nothing; a smaller buffer is refused and not touched") {
  const Handle model = load(golden("bert"));
  double p[12] = {7};
  CHECK(attune_classify(model.get(), 0, kTexts, nullptr, 4, nullptr, nullptr, 0) == 12);
  CHECK(attune_classify(model.get(), 0, kTexts, nullptr, 4, nullptr, p, 11) == ATTUNE_SIZE);
  CHECK(attune_error() == std::string("attune_classify: the buffer has room for 11 numbers; there are 12"));
  CHECK(p[0] == 7);
  CHECK(attune_classify(model.get(), 0, kTexts, nullptr, 4, nullptr, p, 100) == 12);
  CHECK(attune_classify(model.get(), 0, kTexts, nullptr, 4, nullptr, p, SIZE_MAX) == 12);
  CHECK(p[0] != 7);
  CHECK(attune_classify(model.get(), 0, nullptr, nullptr, 0, nullptr, nullptr, 0) == 0);
  CHECK(attune_classify(model.get(), 0, nullptr, nullptr, 0, nullptr, p, 12) == 0);
  CHECK(attune_classify(model.get(), 0, kTexts, nullptr, SIZE_MAX, nullptr, p, 12) == ATTUNE_ERROR);
  CHECK(why_not(attune_classify(model.get(), 0, kTexts, nullptr, 4, nullptr, nullptr, 12)) ==
        "attune_classify: the buffer is NULL, but its size is 12");
  float v[8];
  CHECK(attune_embed(model.get(), kTexts, 1, v, 7) == ATTUNE_SIZE);
  CHECK(attune_embed(model.get(), kTexts, 1, v, 8) == 8);
}

TEST_CASE("capi: a second text makes another answer") {
  const Handle model = load(golden("bert"));
  double alone[3], paired[3];
  CHECK(attune_classify(model.get(), 0, kTexts, nullptr, 1, nullptr, alone, 3) == 3);
  CHECK(attune_classify(model.get(), 0, kTexts, kTexts + 1, 1, nullptr, paired, 3) == 3);
  CHECK(alone[0] != paired[0]);
}

TEST_CASE("capi: NULL, what is not UTF-8 and numbers out of range are each one sentence") {
  const Handle model = load(golden("bert"));
  attune_model* m = model.get();
  const char* const none[] = {"a", nullptr};
  const char* const bytes[] = {"soup \xff\xfe"};
  double p[6];
  attune_free(nullptr);
  CHECK(why_not(attune_load(nullptr, nullptr)) == "attune_load: the directory is NULL");
  CHECK(why_not(attune_load("", nullptr)) == "attune_load: the directory's name is empty");
  CHECK(why_not(attune_tasks(nullptr)) == "attune_tasks: the model is NULL");
  CHECK(why_not(attune_classify(nullptr, 0, kTexts, nullptr, 1, nullptr, p, 3)) ==
        "attune_classify: the model is NULL");
  CHECK(why_not(attune_embed(nullptr, kTexts, 1, nullptr, 0)) == "attune_embed: the model is NULL");
  CHECK(why_not(attune_classify(m, 0, none, nullptr, 2, nullptr, p, 6)) == "attune_classify: text 1 is NULL");
  CHECK(why_not(attune_classify(m, 0, kTexts, none, 2, nullptr, p, 6)) == "attune_classify: second text 1 is NULL");
  CHECK(why_not(attune_classify(m, 0, nullptr, nullptr, 2, nullptr, p, 6)) ==
        "attune_classify: the texts are NULL, but there are 2");
  CHECK(why_not(attune_classify(m, 0, bytes, nullptr, 1, nullptr, p, 3)) ==
        "attune_classify: text 0 is not UTF-8, from byte 5 on");
  CHECK(why_not(attune_tokenize(m, nullptr, nullptr, nullptr, 0)) == "attune_tokenize: the text is NULL");
  CHECK(why_not(attune_tokenize(m, "a", bytes[0], nullptr, 0)) ==
        "attune_tokenize: the second text is not UTF-8, from byte 5 on");
  CHECK(why_not(attune_label(m, 0, 3)) == "attune_label: there is no label 3; task 0 has 3, from 0");
  CHECK(why_not(attune_label(m, 1, 0)) == "attune_label: there is no task 1; the model has 1, from 0");
  CHECK(why_not(attune_piece(m, -1)) == "attune_piece: there is no piece -1; ids are 0 to 99");
  CHECK(why_not(attune_heads(m, 2)) == "attune_heads: there is no layer 2; the model has 2, from 0");
  CHECK(why_not(attune_attention(m, "a", nullptr, 0, 2, 0, nullptr, 0)) ==
        "attune_attention: there is no head 2; layer 0 has 2, from 0, and -1 is all of them");
  CHECK(why_not(attune_attention(m, "a", nullptr, 0, 0, 2, nullptr, 0)) ==
        "attune_attention: the unit is ATTUNE_TOKENS or ATTUNE_WORDS; got 2");
  const Handle several = load(golden("several"));
  CHECK(why_not(attune_task(several.get(), "moood")).find("did you mean 'mood'?") != std::string::npos);
  CHECK(why_not(attune_label(several.get(), 1, 0)) == "attune_label: task 1 predicts a number, which has no label");
}

TEST_CASE("capi: a directory that is no model, and options that are none, say what they are") {
  const TemporaryDirectory dir;
  CHECK(refused("minj") == "minj: no such directory; the models that ship: mini, sentiment (did you mean 'mini'?)");
  CHECK(refused(dir.path).find(dir.path + "/config.json") == 0);
  CHECK(refused(dir.write("file", "")).find("is a file; a model is a directory") != std::string::npos);
  dir.write("config.json", "{\"model_type\":");
  CHECK(refused(dir.path).find("config.json") != std::string::npos);
  CHECK(refused("mini", "max-lenght = 9") == "options:1: there is no option 'max-lenght' (did you mean 'max-length'?)");
  CHECK(refused("mini", "config = x") == "options:1: there is no option 'config'");
  CHECK(refused("mini", "# sizes\nthreads") == "options:2: threads takes one value: `threads = ...`");
  CHECK(refused("mini", "threads = many").find("--threads") == 0);
  CHECK(refused("mini", "threads = 0").find("--threads") == 0);
  CHECK(refused("mini", "threads = 1\nthreads = 2") == "options:2: threads is there twice");
  CHECK(refused("mini", "long = windows").find("did you mean 'window'?") != std::string::npos);
  CHECK(refused("mini", "pooling = cls").find("--pooling") == 0);
  CHECK(refused("mini", "max-length = 2\nlong = window") ==
        "2 tokens are too few to read longer texts through windows: each has one besides [CLS] and [SEP]");
  CHECK(refused("mini", "max-length = 129").find("--max-length 129 is more than the 128 positions") == 0);
  CHECK(refused("mini", "base = \xff").find("not UTF-8") != std::string::npos);
  CHECK(refused(golden("pool"), "pooling = first").find("word embeddings alone have no [CLS]") != std::string::npos);
  const std::string longest(9000, 'x');
  CHECK(refused(longest).size() <= 4000);
}

// In bytes that malloc has given out, and that tensors hold; the first rounds fill what is kept for good. What a thread
// keeps of freed pieces counts as given out and varies, so that of some batches the least counts: a leak is in each.
TEST_CASE("capi: loading, asking and freeing many times, and failing to, leaves nothing behind") {
  const auto round = [] {
    const Handle model = load(golden("bert")), mini = load("mini");
    classify(model.get());
    embed(mini.get());
    attention(mini.get(), kTexts[0], 1, -1, ATTUNE_WORDS);
    tokens_of(mini.get(), kTexts[0]);
    attune_load("mini", "threads = none");
    attune_load(golden("pool").c_str(), "pooling = first");
  };
  for (int i = 0; i < 5; ++i) round();
  const long tensors = memory_use().in_use;
  long least = std::numeric_limits<long>::max();
  for (int batch = 0; batch < 5; ++batch) {
    const size_t before = mallinfo2().uordblks;
    for (int i = 0; i < 10; ++i) round();
    least = std::min(least, long(mallinfo2().uordblks) - long(before));
  }
  CHECK(memory_use().in_use == tensors);
  CHECK(least < 10 * 32);  // less than a string a round
}
