// The parts of multitask: the task file with its errors, sampling, gradients side by side, heads over one encoder.
#include <numeric>

#include "tasks/multitask/report.h"
#include "tasks/multitask/sampling.h"
#include "tests/support/support.h"

using namespace test;
using namespace multitask;

namespace {

std::string refused(const std::string& text) {
  return error_of([&] { parse_task_file(text, "t.json"); });
}

std::string with_task(const std::string& keys) { return refused("{\"tasks\": {\"mood\": {" + keys + "}}}"); }

// How often each task had examples in the first `steps` steps, as shares.
std::vector<double> shares_of(Sampler& sampler, long steps) {
  std::vector<double> seen;
  sampler.at(steps - 1);
  for (long n : sampler.seen()) seen.push_back(double(n));
  const double sum = std::accumulate(seen.begin(), seen.end(), 0.);
  for (double& n : seen) n /= sum;
  return seen;
}

}  // namespace

TEST_CASE("task file: comments, defaults, and every key that the program writes it can read") {
  const TaskFile file = parse_task_file(R"({
    // two tasks
    "model": "pool", "batch_size": 8,
    "tasks": {
      "mood": {"data": "a.tsv", "labels": "0=sad,1=glad", "weight": 2, "class_weights": {"sad": 1, "glad": 3}},
      "tags": {"train": ["a.csv", "b.csv"], "dev": "c.csv", "head": "tokens", "labels": ["O", "B-x", "I-x"],
               "adapter": 8, "metric": "accuracy" /* of words */}
    }})",
                                        "t.json");
  REQUIRE(file.tasks.size() == 2);
  const TaskSpec &mood = file.tasks[0], &tags = file.tasks[1];
  CHECK(mood.loss == "cross_entropy");
  CHECK(mood.metric == "macro_f1");
  CHECK(mood.labels.names() == std::vector<std::string>{"sad", "glad"});
  CHECK(mood.labels.find("1") == 1);
  CHECK(tags.separator == " ");
  CHECK(tags.train == std::vector<std::string>{"a.csv", "b.csv"});
  CHECK(tags.files.label_as_target);
  CHECK(file.settings.size() == 2);
  for (const TaskSpec& task : file.tasks) {
    const std::string text = nlohmann::ordered_json{{"tasks", {{task.name, task.json()}}}}.dump();
    CHECK(parse_task_file(text, "again.json").tasks[0].json() == task.json());
  }
}

TEST_CASE("task file: what is amiss is said on one line, with the file and the key") {
  CHECK(refused("{\"tasks\": }").find("t.json: not JSON: parse error at column 11") == 0);
  CHECK(refused("{}") == "t.json: tasks: must be an object with a task or more, {\"NAME\": {...}}");
  CHECK(refused("{\"tasks\": {\"a\": {}, \"b\": {}, \"a\": {}}}") == "t.json: tasks: the key 'a' is there twice");
  CHECK(refused("{\"lr\": 1, \"lr\": 2, \"tasks\": {\"a\": {}}}") == "t.json: the key 'lr' is there twice");
  CHECK(refused("{\"tasks\": {\"a b\": {}}}").find("t.json: the name of a task is made of letters") == 0);
  CHECK(refused("{\"tasks\": {\"a\": {\"weight\": 0}, \"b\": {\"weight\": 0}}}") ==
        "t.json: the tasks' weights sum to 0");
  CHECK(refused("{\"tasks\": {\"a\": 3}}") == "t.json: tasks.a: must be an object {...}; got 3");
  const std::string key = with_task("\"dta\": \"x.tsv\"");
  CHECK(key.find("t.json: tasks.mood: there is no key 'dta'; the keys are data, train") == 0);
  CHECK(key.find("(did you mean 'data'?)") != std::string::npos);
  CHECK(with_task("\"head\": \"labl\"") ==
        "t.json: tasks.mood.head: 'labl' is not one of label, labels, regression, tokens (did you mean 'label'?)");
  CHECK(with_task("\"loss\": \"cross_entrpy\"").find("(did you mean 'cross_entropy'?)") != std::string::npos);
  CHECK(with_task("\"loss\": \"mse\"") ==
        "t.json: tasks.mood.loss: 'mse' does not fit the head 'label'; these do: cross_entropy, binary_cross_entropy");
  CHECK(with_task("\"metric\": \"acuracy\"").find("(did you mean 'accuracy'?)") != std::string::npos);
  CHECK(with_task("\"weight\": -1") == "t.json: tasks.mood.weight: must be a number from 0 to 1000000000; got -1");
  CHECK(with_task("\"weight\": \"much\"") == "t.json: tasks.mood.weight: must be a number; got \"much\"");
  CHECK(with_task("\"adapter\": 2.5").find("must be a whole number") != std::string::npos);
  CHECK(with_task("\"data\": []") == "t.json: tasks.mood.data: must be a string or a list of strings; got []");
  CHECK(with_task("\"no_header\": 1") == "t.json: tasks.mood.no_header: must be true or false; got 1");
  CHECK(with_task("\"head\": \"regression\", \"labels\": \"a,b\"") ==
        "t.json: tasks.mood.labels: a regression has none");
  CHECK(with_task("\"class_weights\": {\"a\": 0}") == "t.json: tasks.mood.class_weights: the weights sum to 0");
  CHECK(with_task("\"head\": \"tokens\", \"reads\": \"attention\"").find("reads every token by itself") !=
        std::string::npos);
}

TEST_CASE("sampling: the shares of every way, and the same steps whoever asks") {
  const std::vector<long> sizes{900, 100};
  const auto sampler = [&](const std::string& kind, const std::string& batches, double epochs = 4) {
    return Sampler({.kind = kind, .temperature = 2, .batches = batches, .batch_size = 10}, sizes, epochs);
  };
  const std::pair<const char*, double> expected[] = {
      {"round-robin", 0.5}, {"uniform", 0.5}, {"proportional", 0.9}, {"temperature", 0.75}};
  for (const auto& [kind, share] : expected) {
    Sampler mixed = sampler(kind, "mixed"), one = sampler(kind, "one");
    CHECK_MESSAGE(shares_of(mixed, 200)[0] == doctest::Approx(share), kind);
    CHECK_MESSAGE(shares_of(one, 2000)[0] == doctest::Approx(share).epsilon(0.06), kind);
    CHECK(one.at(7).size() == 1);
    CHECK(mixed.at(7).size() == 2);
  }
  CHECK(sampler("proportional", "mixed").steps_per_epoch() == 50);
  CHECK(sampler("proportional", "one").steps_per_epoch() == 100);
  // a = 1, 0.733, 0.467, 0.2 in the four epochs
  const SamplingOptions annealed{.kind = "annealed"};
  CHECK(task_shares(annealed, sizes, 0, 4)[0] == doctest::Approx(0.9));
  CHECK(task_shares(annealed, sizes, 3, 4)[0] == doctest::Approx(std::pow(9., 0.2) / (1 + std::pow(9., 0.2))));
  CHECK(task_shares(annealed, sizes, 0, 1)[0] == doctest::Approx(0.9));

  Sampler through = sampler("uniform", "one"), later = sampler("uniform", "one");
  std::vector<Draw> last;
  for (long step = 0; step <= 150; ++step) last = through.at(step);
  const std::vector<Draw> same = later.at(150);
  CHECK(last[0].task == same[0].task);
  CHECK(last[0].places == same[0].places);
  CHECK(through.seen() == later.seen());
  // Every example once before any comes again.
  Sampler one_task({.batch_size = 7}, {21}, 1);
  std::vector<int> count(21);
  for (long step = 0; step < 3; ++step) {
    const std::vector<Draw> draws = one_task.at(step);
    for (int place : draws[0].places) ++count[place];
  }
  CHECK(count == std::vector<int>(21, 1));
}

TEST_CASE("delta_m: turned so that higher is better") {
  TaskSpec f1, error;
  f1.metric = "macro_f1", error.metric = "mse";
  CHECK(delta_of(f1, {{"macro_f1", 0.6}}, {{"macro_f1", 0.5}}) == doctest::Approx(0.2));
  CHECK(delta_of(error, {{"mse", 0.6}}, {{"mse", 0.5}}) == doctest::Approx(-0.2));
  CHECK(std::isnan(delta_of(f1, {{"macro_f1", 0.6}}, {{"macro_f1", 0}})));
}

TEST_CASE("tokens: a word's tag stands at its first piece; without one it is outside") {
  const text::WordPiece tokenizer({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "to", "bos", "##ton", ".", "now"});
  const std::string text = "to  Boston. now \xC2\xAD now";  // a soft hyphen alone leaves nothing
  const Indices places = first_pieces(text, tokenizer, 9);
  CHECK(places == Indices{1, 2, 5, -1, 6});
  CHECK(first_pieces(text, tokenizer, 7) == Indices{1, 2, 5, -1, -1});  // [SEP] stands at 6
  TaskSpec spec;
  spec.labels = text::Labels({"B-city", "O"});
  CHECK(tags_of_words(spec, {1, 1, 0, 1, 1, 0, 0}, places) ==
        std::vector<std::string>{"O", "B-city", "B-city", "O", "B-city"});
}
