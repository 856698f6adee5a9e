// Gains, precision over lists and label ranking, beside scikit-learn's values (golden), and by hand. Read
// tasks/score/relevance.h before.
#include "tasks/score/relevance.h"

#include <algorithm>
#include <functional>
#include <tuple>

#include "tasks/score/metrics.h"
#include "tests/support/golden_json.h"

using namespace test;
using namespace score;

namespace {

// Both in the order of the gains: of equal scores those come first whose gain is `before` the others'.
template <class Before>
void order_by_gain(std::vector<double>& scores, std::vector<double>& gains, Before before) {
  std::vector<std::pair<double, double>> both;
  for (size_t i = 0; i < gains.size(); ++i) both.push_back({gains[i], scores[i]});
  std::sort(both.begin(), both.end(), [&](const auto& a, const auto& b) { return before(a.first, b.first); });
  for (size_t i = 0; i < gains.size(); ++i) std::tie(gains[i], scores[i]) = both[i];
}

}  // namespace

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
        const auto value = [&] {
          return figure == "dcg" ? dcg(scores, gains, want["k"], ties) : ndcg(scores, gains, want["k"], ties);
        };
        if (ties_may_differ && scores.size() > 16) {  // numpy's sort leaves equal scores of longer lists in any order
          order_by_gain(scores, gains, std::less<>());
          const double least = value();
          order_by_gain(scores, gains, std::greater<>());
          const double got = want["per_user"][u];
          CHECK_MESSAGE((got >= least - 1e-9 && got <= value() + 1e-9), figure, " user ", u);
          continue;
        }
        expect(value(), want["per_user"][u],
               fmt::format("{} k {} {} user {}", figure, want["k"].dump(), ties_may_differ, u));
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
