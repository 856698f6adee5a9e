// Intervals of shares, McNemar's test and the paired bootstrap, beside statsmodels' and scipy's values (golden), and by
// hand. Read tasks/score/proportions.h before.
#include "tasks/score/proportions.h"

#include "tests/support/golden_json.h"

using namespace test;
using namespace score;
using doctest::Approx;

TEST_CASE("proportions: golden intervals of a share, four ways") {
  const json cases = golden_json("calibration.json")["wilson"];
  REQUIRE(!cases.empty());
  using Interval = Bounds (*)(long, long, double);
  const std::map<std::string, Interval> ways{
      {"wilson", wilson}, {"beta", clopper_pearson}, {"agresti_coull", agresti_coull}, {"jeffreys", jeffreys}};
  for (const json& want : cases)
    for (const auto& [name, interval] : ways) {
      const Bounds got = interval(want["k"], want["n"], want["alpha"]);
      const std::string what = fmt::format("{} of {} of {}", name, want["k"].dump(), want["n"].dump());
      expect(got.low, want[name][0], what);
      expect(got.high, want[name][1], what);
    }
}

TEST_CASE("mcnemar: golden p-values, exact and approximate; no text that tells two models apart") {
  const json cases = golden_json("calibration.json")["mcnemar"];
  REQUIRE(!cases.empty());
  for (const json& want : cases) {
    const McNemar got = mcnemar(want["n01"], want["n10"]);
    const std::string what = want["n01"].dump() + " against " + want["n10"].dump();
    expect(got.exact_p, want["exact_p"], what + " exact");
    if (!want.contains("chi2")) continue;                                             // nothing to tell them apart
    if (want["n01"] != want["n10"]) expect(got.mid_p, want["mid_p"], what + " mid");  // below
    expect(got.chi2, want["chi2"][0], what + " chi2");
    expect(got.chi2_p, want["chi2"][1], what + " p of chi2");
    expect(got.corrected, want["chi2_corrected"][0], what + " corrected");
    expect(got.corrected_p, want["chi2_corrected"][1], what + " p of corrected");
  }
  CHECK(mcnemar(0, 0).mid_p == 1);
}

// The golden file takes P(X = 7) from an exact p that has been cut to 1. Fagerland, Lydersen and Laake give 1 - P / 2,
// as R's contingencytables does.
TEST_CASE(
    "mcnemar: the mid-p of models that are right alone equally often is the nearer to 1 the more texts there are") {
  CHECK(mcnemar(7, 7).mid_p == Approx(1 - 3432 / 16384. / 2).epsilon(1e-12));  // 0.89526
  CHECK(mcnemar(1, 1).mid_p == Approx(0.75).epsilon(1e-12));
  CHECK(mcnemar(500, 500).mid_p > 0.98);
}

TEST_CASE("paired_bootstrap: golden interval, error and p-values of the rows in the file") {
  const json want = golden_json("calibration.json")["paired_bootstrap"];
  const std::vector<double> a = want["a"], b = want["b"];
  const Bootstrap got = paired_bootstrap(a, b, want["rows"]);
  expect(got.difference, want["difference"], "difference");
  expect(got.interval.low, want["percentile_95_linear"][0], "low");
  expect(got.interval.high, want["percentile_95_linear"][1], "high");
  expect(got.error, want["standard_error"], "error");
  expect(got.not_better, want["p_one_sided_not_better"], "not better");
  expect(got.two_sided, want["p_two_sided_shifted"], "two sided");
}

TEST_CASE("resample: rows of the sample, the same for one seed, others for another resample, even over all texts") {
  const std::vector<int> rows = resample(1000, 7, 0);
  CHECK(rows == resample(1000, 7, 0));
  CHECK(rows != resample(1000, 7, 1));
  CHECK(rows != resample(1000, 8, 0));
  double sum = 0;
  for (const int i : rows) {
    CHECK((i >= 0 && i < 1000));
    sum += i;
  }
  CHECK(sum / 1000 == Approx(499.5).epsilon(0.06));  // standard deviation 9.1
  CHECK(quantile({4, 1, 3, 2}, 0.5) == Approx(2.5));
  CHECK(quantile({5}, 0.975) == 5);
  CHECK(error_of([] { quantile({}, 0.5); }).find("an empty sample") != std::string::npos);
  CHECK(error_of([] { paired_bootstrap({1}, {1}, {{1}}); }).find("texts are 0 ... 0; got 1") != std::string::npos);
  CHECK(error_of([] { wilson(3, 2); }).find("got 3 of 2") != std::string::npos);
}
