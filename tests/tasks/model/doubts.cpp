// Sentences about what is wrong, and silence where nothing is.
#include "tasks/model/doubts.h"

#include "tests/support/support.h"

using namespace model;

namespace {

Evaluation of(const std::vector<int>& y_true, const std::vector<int>& y_pred) {
  Evaluation e;
  e.confusion = score::confusion_matrix(y_true, y_pred, 3);
  e.report = score::make_report(*e.confusion, {"bad", "good", "dull"});
  return e;
}

spec::Task targets_of(const std::vector<std::string>& labels, const engine::Indices& classes) {
  spec::Task task{};
  task.spec.labels = text::Labels(labels);
  task.targets[spec::kTrain].classes = classes;
  return task;
}

}  // namespace

TEST_CASE("doubts: a class that is never predicted, a model that is no better than the commonest class") {
  CHECK(doubts_about(of({0, 1, 2, 2}, {0, 1, 2, 2})).empty());
  CHECK(doubts_about(of({0, 1, 0, 1}, {0, 1, 0, 1})).empty());  // nobody asked for dull
  const Doubts never = doubts_about(of({0, 0, 1, 1, 2}, {0, 0, 1, 1, 1}));
  REQUIRE(never.size() == 1);
  CHECK(never[0] == "never predicted: dull, 1 of 5 texts");
  const Doubts both = doubts_about(of({0, 1, 1, 2}, {1, 1, 1, 1}));
  REQUIRE(both.size() == 2);
  CHECK(both[0] == "never predicted: bad, dull, 2 of 4 texts");
  CHECK(both[1] == "no better than always saying 'good', which is right 2 times of 4; the model 2 times");
}

TEST_CASE("doubts: train far above others") {
  CHECK(doubts_about_gap(0.9, 0.8).empty());
  REQUIRE(doubts_about_gap(0.99, 0.61).size() == 1);
  CHECK(doubts_about_gap(0.99, 0.61)[0].find("99 % right on texts it was trained on, 61 % on others") == 0);
}

TEST_CASE("doubts: unequal classes where the metric counts them alike, and labels that are ratings") {
  const spec::Task equal = targets_of({"a", "b"}, {0, 0, 1, 1}), unequal = targets_of({"a", "b"}, {0, 0, 0, 0, 0, 1});
  CHECK(doubts_about_classes(equal, "macro_f1").empty());
  CHECK(doubts_about_classes(unequal, "accuracy").empty());
  REQUIRE(doubts_about_classes(unequal, "macro_f1").size() == 1);
  CHECK(doubts_about_classes(unequal, "macro_f1")[0].find("macro_f1 counts classes alike, but 'a' has 5 texts") == 0);
  const Doubts ratings = doubts_about_classes(targets_of({"1", "2", "3"}, {0, 1, 2}), "macro_f1");
  REQUIRE(ratings.size() == 1);
  CHECK(ratings[0].find("the labels are numbers, 1 to 3, but are learned as names") == 0);
}
