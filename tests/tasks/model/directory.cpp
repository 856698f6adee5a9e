// Model directories as users have them: saved by an earlier version, they load, say the same, and are saved alike.
#include "tasks/model/directory.h"

#include <sstream>

#include "nn/format/files.h"
#include "tasks/model/answers.h"
#include "tests/support/tasks.h"

using namespace test;
using nn::ordered_json;

namespace {

// The largest difference of any number of two predictions; infinity where anything else differs.
double difference(const ordered_json& a, const ordered_json& b) {
  if (a.is_number() && b.is_number()) return std::abs(a.get<double>() - b.get<double>());
  double worst = 0;
  if (a.is_array() && b.is_array() && a.size() == b.size()) {
    for (size_t i = 0; i < a.size(); ++i) worst = std::max(worst, difference(a[i], b[i]));
    return worst;
  }
  if (a.is_object() && b.is_object() && a.size() == b.size()) {
    for (size_t i = 0; i < a.size(); ++i) {
      const auto &x = a.items()[i], &y = b.items()[i];
      worst = std::max(worst, x.key != y.key ? INFINITY : difference(x.value, y.value));
    }
    return worst;
  }
  return a == b ? 0 : INFINITY;
}

}  // namespace

// tests/golden/directories: trained on sentences of our own, with what the program that wrote them said of four texts.
// On the processor that they come from the bits are the same; another one's products are rounded otherwise.
TEST_CASE("golden: directories of an earlier version say what they said, and are saved again byte for byte") {
  for (const std::string name : {"pool", "pool-ngrams", "bert", "bert-allocated", "several"}) {
    CAPTURE(name);
    const std::string from = "tests/golden/directories/" + name;
    const auto model = model::load_model(model::ModelDirectory(from));
    CHECK(model->reading.max_length == 24);
    std::vector<text::Example> texts;
    std::vector<ordered_json> expected;
    std::istringstream lines(nn::read_file(from + "/expected.jsonl"));
    for (std::string line; std::getline(lines, line);) {
      expected.push_back(ordered_json::parse(line));
      texts.push_back({.text = expected.back()["text"]});
    }
    REQUIRE(texts.size() == 4);
    const std::vector<ordered_json> said = model::predictions(*model, texts, model->reading);
    for (size_t i = 0; i < texts.size(); ++i) CHECK(difference(said[i], expected[i]) < 3e-6);
    const TemporaryDirectory dir;
    model->save(dir.path);
    for (const char* file :
         {"config.json", "model.safetensors", "vocab.txt", "tokenizer.json", "special_tokens_map.json"})
      CHECK_MESSAGE(nn::read_file(dir.path + "/" + file) == nn::read_file(from + "/" + file), file);
    const auto again = model::load_model(model::ModelDirectory(dir.path));
    CHECK(difference(model::predictions(*again, texts, again->reading), said) == 0);
  }
}

TEST_CASE("directory: what a model is trained on begins with all that it has, and only with that") {
  const TemporaryDirectory dir;
  text_model(small_config(), {task_of("", nn::Predicts::label)})->save(dir.path);
  const model::ModelDirectory from(dir.path);
  const auto kept = model::load_to_train(from, {task_of("", nn::Predicts::label)}, 9);
  CHECK(kept->net.params.find("classifier.weight").to_vector() ==
        nn::SafeTensors(dir.path + "/model.safetensors").read("classifier.weight").to_vector());
  const auto named =
      model::load_to_train(from, {task_of("a", nn::Predicts::label), task_of("b", nn::Predicts::tags)}, 9);
  CHECK(named->net.params.find("bert.encoder.layer.0.output.dense.weight").to_vector() ==
        kept->net.params.find("bert.encoder.layer.0.output.dense.weight").to_vector());
  named->save(dir.path + "/named");
  const auto again = model::load_model(model::ModelDirectory(dir.path + "/named"));
  CHECK(again->task("b") == 1);
  CHECK(error_of([&] { again->task("c"); }).find("task: 'c' is not one of a, b") == 0);
  CHECK(error_of([&] { again->only_task(); }) == "a model of one task is needed; this one has 2");
  CHECK(error_of([&] { model::ModelDirectory(dir.path + "/none"); }).find(dir.path + "/none: no such directory") == 0);
  CHECK(error_of([&] { model::ModelDirectory(dir.write("f", "x")); }).find("is a file; a model is a directory") !=
        std::string::npos);
}

TEST_CASE("export: a task of several as a directory of its own says what it said; a head with no place is refused") {
  const TemporaryDirectory dir;
  std::vector<spec::TaskSpec> tasks{task_of("mood", nn::Predicts::label), task_of("stars", nn::Predicts::number),
                                    task_of("tags", nn::Predicts::tags, {"O", "B-x"}),
                                    task_of("mean", nn::Predicts::label)};
  tasks[1].mean = 3;
  tasks[1].deviation = 2;
  tasks[3].reads = nn::Reads::mean;
  const auto several = text_model(small_config(), tasks);
  const std::vector<text::Example> texts{{.text = "warm bread"}, {.text = "x"}};
  const std::vector<ordered_json> said = model::predictions(*several, texts, several->reading);
  for (size_t t = 0; t < 3; ++t) {
    const std::string path = dir.path + "/" + tasks[t].name;
    model::export_task(*several, t, path);
    const auto one = model::load_model(model::ModelDirectory(path));
    const std::vector<ordered_json> alone = model::predictions(*one, texts, one->reading);
    for (size_t i = 0; i < 2; ++i) {
      ordered_json expected{{"text", texts[i].text}};
      expected.update(said[i][tasks[t].name]);
      CHECK(difference(alone[i], expected) < 1e-5);
    }
  }
  CHECK(error_of([&] { model::export_task(*several, 3, dir.path + "/x"); }) ==
        "task 'mean': the mean of all tokens has no place in a model directory of one task");
}
