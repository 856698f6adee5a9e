// Conformal sets beside values computed by numpy (golden), their promise, and by hand. Read tasks/score/refusal.h
// before.
#include <map>

#include "tasks/score/confidence.h"
#include "tasks/score/refusal.h"
#include "tests/support/golden_json.h"

using namespace test;
using namespace score;

namespace {

std::vector<double> strangeness(const json& run, const std::vector<double>& logits) {
  const std::vector<double> p = probabilities(logits);
  if (run["score"] == "lac") return least_ambiguous(p);
  if (run["score"] == "aps") return adaptive(p);
  REQUIRE(run["score"] == "aps_rank_regularised");
  return regularised(p, run["lam"], run["k_reg"]);
}

// Thresholds of the kinds that the run tells apart: one, or one for each class or group.
struct Calibrated {
  std::vector<double> thresholds;
  std::vector<long> ranks;
};
Calibrated calibrate(const json& file, const json& run, const std::vector<int>& kinds, int count) {
  std::vector<std::vector<double>> own(size_t(count), std::vector<double>{});
  for (size_t i = 0; i < kinds.size(); ++i) {
    const int label = file["calibration_labels"][i];
    own[size_t(kinds[i])].push_back(strangeness(run, file["calibration_logits"][i])[size_t(label)]);
  }
  Calibrated c;
  for (const std::vector<double>& s : own) {
    c.thresholds.push_back(conformal_threshold(s, run["alpha"]));
    c.ranks.push_back(conformal_rank(long(s.size()), run["alpha"]));
  }
  return c;
}

void expect_run(const json& file, const json& run) {
  const std::string mondrian = run.value("mondrian", "");
  const std::vector<int> labels = file["calibration_labels"], groups = file["calibration_group"];
  const int K = int(file["calibration_logits"][0].size());
  const std::vector<int> kinds = mondrian == "by class"   ? labels
                                 : mondrian == "by group" ? groups
                                                          : std::vector<int>(labels.size(), 0);
  const int count = mondrian == "by class"   ? K
                    : mondrian == "by group" ? 1 + *std::max_element(groups.begin(), groups.end())
                                             : 1;
  const Calibrated c = calibrate(file, run, kinds, count);
  const json want_k = mondrian.empty() ? json{run["k"]} : run["k"];
  const json want_threshold = mondrian.empty() ? json{run["threshold"]} : run["threshold"];
  const std::string what = run["score"].get<std::string>() + " " + mondrian + " " + run["alpha"].dump();
  CHECK_MESSAGE(json(c.ranks) == want_k, what);
  expect_all(c.thresholds, want_threshold, what);
  double covered = 0, size = 0;
  const size_t n = file["test_logits"].size();
  for (size_t i = 0; i < n; ++i) {
    const std::vector<double> s = strangeness(run, file["test_logits"][i]);
    const std::vector<int> set = mondrian == "by class" ? conformal_set(s, c.thresholds)
                                 : mondrian == "by group"
                                     ? conformal_set(s, c.thresholds[file["test_group"][i].get<size_t>()])
                                     : conformal_set(s, c.thresholds[0]);
    CHECK_MESSAGE(json(set) == run["sets"][i], what, " set ", i);
    covered += double(std::count(set.begin(), set.end(), file["test_labels"][i].get<int>()));
    size += double(set.size());
  }
  expect(covered / double(n), run["coverage"], what + " coverage");
  expect(size / double(n), run["mean_size"], what + " size");
}

}  // namespace

TEST_CASE("conformal: golden thresholds, sets, coverage and size, of all texts, by class and by group") {
  const json file = golden_json("calibration.json")["conformal"];
  REQUIRE(!file["runs"].empty());
  for (const json& run : file["runs"]) expect_run(file, run);
}

TEST_CASE("conformal: scores by hand, and too few texts for the promise put every class in the set") {
  const std::vector<double> p{0.25, 0.5, 0.25};
  CHECK(least_ambiguous(p) == std::vector<double>{0.75, 0.5, 0.75});
  CHECK(adaptive(p) == std::vector<double>{0.75, 0.5, 1});  // of equals the first
  CHECK(regularised(p, 0.5, 1) == std::vector<double>{1.25, 0.5, 2});
  CHECK(conformal_threshold({3, 1, 2}, 0.25) == 3);  // ceil(4 0.75) = 3rd of three
  CHECK(conformal_threshold({3, 1, 2}, 0.2) == kEveryClass);
  CHECK(conformal_set(p, kEveryClass) == std::vector<int>{0, 1, 2});
  CHECK(conformal_set(p, 0.25) == std::vector<int>{0, 2});
  CHECK(error_of([] { conformal_threshold({1}, 1); }).find("between 0 and 1; got 1") != std::string::npos);
  CHECK(error_of([&] { conformal_set(p, std::vector<double>{1}); }).find("got 1 for 3") != std::string::npos);
}

TEST_CASE("refusal_threshold: of all ways to put a new text among n at most the promised share lies below") {
  const std::vector<double> scores{5, 1, 4, 2, 3, 7, 6, 9, 8};  // n + 1 = 10
  CHECK(refusal_threshold(scores, 0.1) == 1);
  CHECK(refusal_threshold(scores, 0.25) == 2);
  CHECK(std::isinf(refusal_threshold(scores, 0.09)));
  for (const double alpha : {0.1, 0.2, 0.35, 0.5}) {  // each of ten exchangeable texts is once the new one
    std::vector<double> all = scores;
    all.push_back(10);
    int refused = 0;
    for (size_t out = 0; out < all.size(); ++out) {
      std::vector<double> rest = all;
      rest.erase(rest.begin() + long(out));
      refused += all[out] < refusal_threshold(rest, alpha);
    }
    CHECK(refused <= alpha * 10 + 1e-9);
  }
}
