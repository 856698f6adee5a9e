// The metrics: beside scikit-learn's values (golden), by hand, and at the edges where they are undefined.
// Read tasks/score/metrics.h before.
#include "tasks/score/metrics.h"
#include "nn/format/json.h"

#include <doctest/doctest.h>

#include <set>

#include "tests/support/support.h"

using namespace score;
using doctest::Approx;

namespace {

nn::json golden(const std::string& path = test::golden_path("metrics.json")) { return nn::read_json(path); }

// Rows: true class, columns: predicted class.
Confusion matrix(int classes, std::vector<long> counts) { return {classes, std::move(counts)}; }

// Of the named classes, however many occur; without names of those that occur, as scikit-learn numbers them.
Confusion confusion_of(std::vector<int> y_true, std::vector<int> y_pred, int names) {
  if (names > 0) return confusion_matrix(y_true, y_pred, names);
  std::set<int> occurring(y_true.begin(), y_true.end());
  occurring.insert(y_pred.begin(), y_pred.end());
  for (std::vector<int>* y : {&y_true, &y_pred})
    for (int& c : *y) c = int(std::distance(occurring.begin(), occurring.find(c)));
  return confusion_matrix(y_true, y_pred, int(occurring.size()));
}

// 997 examples, a third of them predicted right on purpose.
std::string macro_row(int classes) {
  std::vector<int> y_true, y_pred;
  for (int i = 0; i < 997; ++i) {
    y_true.push_back(i * i % 997 % classes);
    y_pred.push_back(i * i * (i % 3 ? 18 : 1) % 997 % classes);
  }
  const std::string report = classification_report(y_true, y_pred, {}, 18);
  const size_t start = report.find("macro avg");
  return report.substr(start, report.find('\n', start) - start);
}

}  // namespace

TEST_CASE("metrics: golden reports of scikit-learn, byte for byte, and its scores; also of classes that do not occur") {
  for (const nn::json& file : {golden(), golden("tests/golden/metrics_absent.json")}) {
    const nn::json reports = file["reports"];
    CHECK(!reports.empty());
    for (const auto& expected : reports) {
      const std::vector<int> y_true = expected["y_true"], y_pred = expected["y_pred"];
      std::vector<std::string> names;
      if (!expected["names"].is_null()) names = expected["names"].get<std::vector<std::string>>();
      CHECK(classification_report(y_true, y_pred, names, expected["digits"]) == expected["text"].get<std::string>());
      const Confusion confusion = confusion_of(y_true, y_pred, int(names.size()));
      CHECK(macro_f1(confusion) == test::exactly(expected["macro_f1"]));
      CHECK(mcc(confusion) == test::exactly(expected["mcc"]));
      CHECK(cohen_kappa(confusion) == test::exactly(expected["kappa"]));
    }
  }
}

TEST_CASE("metrics: golden area under the ROC curve of scikit-learn") {
  const nn::json expected = golden()["roc_auc"];
  CHECK(roc_auc(expected["y"], expected["score"]) == test::exactly(expected["auc"]));
}

TEST_CASE("confusion_matrix: rows are the true classes, columns the predicted ones") {
  const Confusion confusion = confusion_matrix({0, 0, 1, 2, 2, 2}, {0, 1, 1, 0, 2, 2}, 3);
  CHECK(confusion.counts == std::vector<long>{1, 1, 0, 0, 1, 0, 1, 0, 2});
  CHECK(confusion.at(2, 0) == 1);
  CHECK(confusion.support(2) == 3);
  CHECK(confusion.predicted(0) == 2);
  CHECK(confusion.correct() == 4);
  CHECK(confusion.total() == 6);
}

TEST_CASE("metrics: by hand on 5 of 6 and 3 of 4 correct") {
  const Confusion confusion = matrix(2, {5, 1, 1, 3});
  CHECK(accuracy(confusion) == test::exactly(0.8));
  CHECK(macro_recall(confusion) == test::exactly((5.0 / 6 + 3.0 / 4) / 2));
  CHECK(macro_f1(confusion) == test::exactly((5.0 / 6 + 3.0 / 4) / 2));  // precision and recall agree in both classes
  CHECK(mcc(confusion) == test::exactly(14.0 / 24));                     // (5 * 3 - 1 * 1) / sqrt(6 * 4 * 6 * 4)
  CHECK(cohen_kappa(confusion) == test::exactly((0.8 - 0.52) / 0.48));
  CHECK(to_text(make_report(confusion, {"negative", "positive"})) ==
        "              precision    recall  f1-score   support\n\n"
        "    negative       0.83      0.83      0.83         6\n"
        "    positive       0.75      0.75      0.75         4\n\n"
        "    accuracy                           0.80        10\n"
        "   macro avg       0.79      0.79      0.79        10\n"
        "weighted avg       0.80      0.80      0.80        10\n");
}

TEST_CASE("metrics: precision divides by the predictions, recall by the support") {
  const Report report = make_report(matrix(2, {8, 2, 1, 3}), {"a", "b"});
  CHECK(report.classes[0].precision == test::exactly(8.0 / 9));
  CHECK(report.classes[0].recall == test::exactly(0.8));
  CHECK(report.classes[1].precision == test::exactly(0.6));
  CHECK(report.classes[1].recall == test::exactly(0.75));
  CHECK(report.classes[1].f1 == test::exactly(2 * 0.6 * 0.75 / 1.35));
  CHECK(report.weighted.recall == test::exactly((10 * 0.8 + 4 * 0.75) / 14));
  CHECK(report.macro.recall == test::exactly(0.775));
}

TEST_CASE("metrics: perfect predictions score 1, what is undefined scores 0") {
  const Confusion perfect = matrix(3, {2, 0, 0, 0, 3, 0, 0, 0, 4});
  for (double value : {accuracy(perfect), macro_f1(perfect), macro_recall(perfect), mcc(perfect), cohen_kappa(perfect)})
    CHECK(value == test::exactly(1));
  const Confusion always_first = matrix(2, {3, 0, 3, 0});
  CHECK(mcc(always_first) == 0);
  CHECK(cohen_kappa(always_first) == 0);
  CHECK(make_report(always_first, {"a", "b"}).classes[1].precision == 0);
  CHECK(cohen_kappa(matrix(2, {3, 0, 0, 0})) == 0);
}

TEST_CASE("metrics: a class that never occurs counts in the macro average, as a row of zeros") {
  const Confusion confusion = confusion_matrix({0, 1}, {0, 1}, 3);
  CHECK(macro_f1(confusion) == test::exactly(2.0 / 3));
  CHECK(classification_report({0, 1}, {0, 1}, {"a", "b", "c"})
            .find("           c       0.00      0.00      0.00         0") != std::string::npos);
}

TEST_CASE("metrics: with a class that never occurs the report has a micro average where the accuracy is otherwise") {
  const std::vector<int> y_true{0, 0, 1, 1, 1, 3, 0, 1}, y_pred{0, 1, 1, 1, 3, 3, 0, 1};
  const Report report = make_report(confusion_matrix(y_true, y_pred, 4), {"negative", "positive", "mixed", "neutral"});
  CHECK(to_text(report) ==
        "              precision    recall  f1-score   support\n\n"
        "    negative       1.00      0.67      0.80         3\n"
        "    positive       0.75      0.75      0.75         4\n"
        "       mixed       0.00      0.00      0.00         0\n"
        "     neutral       0.50      1.00      0.67         1\n\n"
        "   micro avg       0.75      0.75      0.75         8\n"
        "   macro avg       0.56      0.60      0.55         8\n"
        "weighted avg       0.81      0.75      0.76         8\n");
  const nn::ordered_json json = to_json(report);
  CHECK(!json.contains("accuracy"));
  CHECK(json["micro avg"].dump() == R"({"precision":0.75,"recall":0.75,"f1-score":0.75,"support":8})");
  CHECK(json["macro avg"]["f1-score"] == test::exactly(0.5541666666666667));
  // A class that is only predicted occurs.
  const Report predicted = make_report(confusion_matrix({0, 0, 1}, {0, 2, 1}, 3), {"a", "b", "c"});
  CHECK(to_text(predicted).find("    accuracy                           0.67         3\n") != std::string::npos);
  CHECK(to_json(predicted).contains("accuracy"));
}

TEST_CASE("classification_report: without names the classes that occur go by their numbers") {
  const std::string report = classification_report({0, 7}, {0, 3});
  CHECK(report.find("           3       0.00") != std::string::npos);
  CHECK(report.find("           1 ") == std::string::npos);
}

TEST_CASE("classification_report: columns are counted in code points, and widen for a long name or many digits") {
  const std::string report = classification_report({0, 1}, {0, 1}, {"sehr schön heute", "很好"}, 1);
  CHECK(report.starts_with("                  precision"));
  CHECK(report.find("\n              很好        1.0") != std::string::npos);
  CHECK(classification_report({0, 1}, {0, 1}, {"a", "b"}, 14).starts_with("                precision"));
}

TEST_CASE("classification_report: averages over many classes are scikit-learn's to the last bit") {
  CHECK(macro_row(10) == "macro avg  0.406797101366213831 0.406391407761970247 0.405406829983593564       997");
  CHECK(macro_row(150) == "macro avg  0.354180134680134706 0.337063492063492065 0.322272736379547564       997");
}

TEST_CASE("to_json: a report reads like scikit-learn's dictionary") {
  const nn::ordered_json json = to_json(make_report(matrix(2, {1, 0, 0, 1}), {"a", "b"}));
  CHECK(json.dump() == R"({"a":{"precision":1.0,"recall":1.0,"f1-score":1.0,"support":1},)"
                       R"("b":{"precision":1.0,"recall":1.0,"f1-score":1.0,"support":1},"accuracy":1.0,)"
                       R"("macro avg":{"precision":1.0,"recall":1.0,"f1-score":1.0,"support":2},)"
                       R"("weighted avg":{"precision":1.0,"recall":1.0,"f1-score":1.0,"support":2}})");
}

TEST_CASE("confusion matrix: printed with its names on both sides") {
  CHECK(to_text(matrix(2, {10, 2, 0, 1234}), {"negative", "très bien"}) ==
        "true \\ predicted   negative  très bien\n"
        "        negative         10          2\n"
        "       très bien          0       1234\n");
}

TEST_CASE(
    "summary: the totals, then the classes with the lowest F1; names are shortened to the columns that there are") {
  const Report report = make_report(matrix(3, {8, 2, 0, 0, 5, 5, 1, 0, 9}), {"first", std::string(60, 'x'), "third"});
  CHECK(summary_of(report, 2, 60) ==
        "                     precision    recall  f1-score   support\n\n"
        "           accuracy                           0.73        30\n"
        "          macro avg       0.75      0.73      0.73        30\n"
        "       weighted avg       0.75      0.73      0.73        30\n\n"
        "of 3 classes the 2 with the lowest f1-score\n\n"
        "xxxxxxxxxxxxxxxxxx\u2026       0.71      0.50      0.59        10\n"
        "              third       0.64      0.90      0.75        10\n");
}

TEST_CASE("confusions: the commonest first, and how many there are beside them") {
  const Confusion confusion = matrix(3, {8, 2, 0, 0, 5, 5, 1, 0, 9});
  CHECK(confusions_of(confusion, {"a", "long one", "c"}, 2, 80) ==
        "8 of 30 wrong; the 2 commonest of 3 mistakes\n\n"
        "  count  true      predicted\n"
        "      5  long one  c\n"
        "      2  a         long one\n");
  CHECK(confusions_of(confusion, {"a", "b", "c"}, 3, 80).find("8 of 30 wrong\n") == 0);
  CHECK(confusions_of(matrix(2, {3, 0, 0, 4}), {"a", "b"}, 3, 80) == "");
}

TEST_CASE("roc_auc: 1 when sorted, 0 when reversed, one half when all scores tie") {
  CHECK(roc_auc({0, 0, 1, 1}, {0.1, 0.2, 0.3, 0.4}) == test::exactly(1));
  CHECK(roc_auc({1, 1, 0, 0}, {0.1, 0.2, 0.3, 0.4}) == 0);
  CHECK(roc_auc({0, 1, 0, 1}, {5, 5, 5, 5}) == test::exactly(0.5));
  CHECK(roc_auc({0, 1, 0, 1}, {1, 1, 0, 2}) == test::exactly(0.875));  // 3 of 4 pairs in order, one tied
}

TEST_CASE("metrics: what cannot be scored is refused") {
  CHECK(test::error_of([] {
          confusion_matrix({0, 1}, {0}, 2);
        }) == "confusion_matrix: a prediction for every label; got 1 for 2");
  CHECK(test::error_of([] { confusion_matrix({}, {}, 2); }) == "confusion_matrix: no examples to score");
  CHECK(test::error_of([] {
          confusion_matrix({0, 2}, {0, 1}, 2);
        }) == "confusion_matrix: classes are 0 to 1; got 2 at example 1");
  CHECK(test::error_of([] {
          confusion_matrix({0, 1}, {0, -1}, 2);
        }) == "confusion_matrix: classes are 0 to 1; got -1 at example 1");
  CHECK(test::error_of([] { make_report(matrix(2, {1, 0, 0, 1}), {"a"}); }) == "report: 1 names for 2 classes");
  CHECK(test::error_of([] { classification_report({}, {}); }) == "classification_report: no examples to score");
  CHECK(test::error_of([] {
          roc_auc({1, 1}, {0, 1});
        }) == "roc_auc: both classes must occur; got 0 of class 0 and 2 of class 1");
  CHECK(test::error_of([] { roc_auc({0, 2}, {0, 1}); }) == "roc_auc: two classes, 0 and 1; got 2 at example 1");
}

TEST_CASE("quadratic kappa: by hand, as scikit-learn's cohen_kappa_score(weights=\"quadratic\")") {
  // squared distances of the pairs sum to 3; of rows (2, 2, 2, 2) and columns (2, 2, 3, 1) by chance to 18
  const Confusion confusion = confusion_matrix({0, 1, 2, 2, 1, 0, 3, 3}, {0, 2, 2, 1, 1, 0, 3, 2}, 4);
  CHECK(quadratic_kappa(confusion) == test::exactly(1 - 3. / 18));
  CHECK(quadratic_kappa(confusion_matrix({0, 1, 2}, {0, 1, 2}, 3)) == 1);
  CHECK(quadratic_kappa(confusion_matrix({1, 1}, {1, 1}, 3)) == 0);  // undefined
  CHECK(quadratic_kappa(confusion_matrix({0, 2}, {2, 0}, 3)) == -1);
}
