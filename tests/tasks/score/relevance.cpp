// Gains, precision over lists and label ranking, beside scikit-learn's values (golden), and by hand. Read
// tasks/score/relevance.h before.
#include "tasks/score/relevance.h"

#include "tasks/score/metrics.h"
#include "tests/support/golden_json.h"

using namespace test;
using namespace score;

TEST_CASE("dcg, ndcg: golden, of binary and of graded gains, ties shared or by index, k within the list and beyond") {
  const json file = golden_json("ranking.json"), sklearn = file["sklearn"];
  for (const std::string figure : {"ndcg", "graded_ndcg", "dcg"}) {
    REQUIRE(!sklearn[figure].empty());
    for (const json& want : sklearn[figure]) {
      const Ties ties = want["ignore_ties"] ? Ties::by_index : Ties::averaged;
      const bool ties_may_differ = want["ignore_ties"];  // there equal scores keep the later one first
      for (size_t u = 0; u < want["per_user"].size(); ++u) {
        std::vector<double> scores = file["scores"][u];
        std::vector<double> gains = file[figure == "ndcg" ? "relevant" : "graded"][u];
        if (ties_may_differ) {
          std::reverse(scores.begin(), scores.end());
          std::reverse(gains.begin(), gains.end());
        }
        expect(figure == "dcg" ? dcg(scores, gains, want["k"], ties) : ndcg(scores, gains, want["k"], ties),
               want["per_user"][u], fmt::format("{} k {} {} user {}", figure, want["k"].dump(), ties_may_differ, u));
      }
    }
  }
}

TEST_CASE("average precision, ROC AUC, label ranking and coverage: golden") {
  const json file = golden_json("ranking.json"), sklearn = file["sklearn"];
  std::vector<std::vector<bool>> relevant;
  for (size_t u = 0; u < file["scores"].size(); ++u) {
    const std::string user = fmt::format("user {}", u);
    const std::vector<double> scores = file["scores"][u];
    relevant.push_back(flags(file["relevant"][u]));
    const json precision = sklearn["average_precision"][u], auc = sklearn["roc_auc"][u];
    if (precision.is_null())
      CHECK(error_of([&] { average_precision(scores, relevant[u]); }).find("one relevant item at least") !=
            std::string::npos);
    else
      expect(average_precision(scores, relevant[u]), precision, user);
    if (auc.is_null())
      CHECK(error_of([&] { roc_auc(file["relevant"][u], scores); }).find("both classes") != std::string::npos);
    else
      expect(roc_auc(file["relevant"][u], scores), auc, user);
  }
  expect(label_ranking_average_precision(file["scores"], relevant), sklearn["label_ranking_average_precision"], "LRAP");
  expect(coverage_error(file["scores"], relevant), sklearn["coverage_error"], "coverage error");
}

TEST_CASE("ndcg: two items of one score share their places, by hand") {
  const double second = 1 / std::log2(3.);
  CHECK(ndcg({1, 1}, {1, 0}) == doctest::Approx((1 + second) / 2));
  CHECK(ndcg({1, 1}, {0, 1}, 0, Ties::by_index) == doctest::Approx(second));
  CHECK(dcg({2, 1, 0}, {0, 0, 8}) == doctest::Approx(4));
  CHECK(ndcg({1, 2}, {0, 0}) == 0);
  CHECK(error_of([] { ndcg({1, 2}, {-1, 1}); }).find("gains are 0 or more") != std::string::npos);
  CHECK(error_of([] { dcg({1, 2}, {1}); }).find("got 2 for 1") != std::string::npos);
}
