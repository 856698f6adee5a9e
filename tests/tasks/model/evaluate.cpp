// An evaluation as a person sees it: no line is wider than the terminal, whatever the classes are called.
#include "tasks/model/evaluate.h"

#include "tasks/text/utf8.h"
#include "tests/support/tasks.h"

using namespace test;
using nn::Predicts;

namespace {

model::Evaluation of_classes(int K, size_t name) {
  std::vector<std::string> labels;
  for (int k = 0; k < K; ++k) labels.push_back(fmt::format("{:x<{}}", k, name));
  spec::Task task;
  task.spec = task_of("", Predicts::label, labels);
  spec::Targets targets;
  model::Outputs outputs;
  for (int i = 0; i < 7 * K; ++i) {
    targets.classes.push_back(i % K);
    outputs.scores.emplace_back(size_t(K), 0.1 / K);
    outputs.scores.back()[size_t(i % 7 == 3 ? (i * i) % K : i % K)] = 0.9;
  }
  return model::evaluate(task, targets, outputs);
}

size_t widest(const std::string& text) {
  size_t columns = 0;
  for (const std::string& line : engine::split(text, '\n')) columns = std::max(columns, text::columns_of(line));
  return columns;
}

}  // namespace

TEST_CASE(
    "evaluation: no line is wider than the terminal; from twenty classes on there are ten rows and twenty mistakes") {
  for (const int K : {2, 3, 12, 19, 20, 150})
    for (const size_t name : {3, 30, 90})
      for (const size_t columns : {60, 80, 200}) {
        const model::Evaluation e = of_classes(K, name);
        CHECK_MESSAGE(widest(e.text(columns)) <= columns, K, " classes of ", name, " letters on ", columns);
        CHECK((e.text(columns).find("lowest f1-score") != std::string::npos) == (K >= 20));
        CHECK(e.json()["report"].size() == size_t(K) + 3);
      }
  const std::string many = of_classes(150, 3).text(80);
  CHECK(many.find("accuracy") < many.find("of 150 classes the 10"));
  CHECK(std::count(many.begin(), many.end(), '\n') == 2 + 3 + 3 + 10 + 1 + 3 + 20 + 1 + 1);
  CHECK(of_classes(3, 8).text(80).find("true \\ predicted") != std::string::npos);
  CHECK(of_classes(3, 40).text(80).find("count  true") != std::string::npos);
}
