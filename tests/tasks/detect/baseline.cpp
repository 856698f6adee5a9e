// Baselines and tails of counts beside computed series (golden, R's surveillance and scipy as referees), and by hand.
// Read tasks/detect/baseline.h before.
#include "tasks/detect/baseline.h"

#include "tasks/detect/multiplicity.h"
#include "tests/support/golden_json.h"

using namespace test;
using namespace detect;
using doctest::Approx;

namespace {

std::vector<int> above(const std::vector<double>& values, double bar) {
  std::vector<int> where;
  for (size_t t = 0; t < values.size(); ++t)
    if (values[t] > bar) where.push_back(int(t));
  return where;
}

}  // namespace

TEST_CASE("ears: golden C1, C2, C3 and their alarms, and R's bounds") {
  const json all = golden_json("detect.json")["series"];
  REQUIRE(!all.empty());
  for (const auto& [name, series] : all.items()) {
    const json want = series["ears"], bounds = series["ears_R"];
    const Ears got = ears(series["counts"], want["min_sd"]);
    expect_all(got.c1, want["c1"], name + " c1");
    expect_all(got.c2, want["c2"], name + " c2");
    expect_all(got.c3, want["c3"], name + " c3");
    CHECK(json(above(got.c1, 3)) == want["alarms_c1"]);
    CHECK(json(above(got.c2, 3)) == want["alarms_c2"]);
    CHECK(json(above(got.c3, 2)) == want["alarms_c3"]);
    const EarsBounds upper = ears_bounds(series["counts"], bounds["alpha"]);
    expect_all(upper.c1, bounds["upper_c1"], name + " bound of c1", 1e-9, 1e-12);  // R printed fifteen digits
    expect_all(upper.c2, bounds["upper_c2"], name + " bound of c2", 1e-9, 1e-12);
    expect_all(upper.c3, bounds["upper_c3"], name + " bound of c3", 1e-9, 1e-12);
  }
}

TEST_CASE("tails: golden Poisson and negative binomial tails, relative to themselves") {
  const json tails = golden_json("detect.json")["tails"];
  REQUIRE(!tails.empty());
  for (const json& want : tails) {
    const long x = want["x"];
    const double mean = want["mean"];
    const score::Tails got =
        want["size"].is_null() ? score::poisson_tails(x, mean) : score::negative_binomial_tails(x, mean, want["size"]);
    const std::string what = fmt::format("{} of mean {} size {}", x, mean, want["size"].dump());
    expect(got.upper, want["p_upper"], what + " upper", 1e-9, 0);
    expect(got.lower, want["p_lower"], what + " lower", 1e-9, 0);
    expect(got.mid, want["mid_p_upper"], what + " mid", 1e-9, 0);
  }
}

TEST_CASE("by_weekday: golden means, variances, tails and false-discovery alarms; weekday factors") {
  const json file = golden_json("detect.json");
  for (const auto& [name, series] : file["series"].items()) {
    const json want = series["weekday"], factors = series["weekday_factors"];
    const Weekday got = by_weekday(series["counts"], want["m"], want["floor"]);
    expect_all(got.mean, want["mean"], name + " mean");
    expect_all(got.variance, want["variance"], name + " variance");
    expect_all(got.poisson, want["p_poisson"], name + " Poisson", 1e-9, 0);
    expect_all(got.negative_binomial, want["p_negative_binomial"], name + " negative binomial", 1e-9, 0);
    const long first = want["bh_first"];
    const std::vector<double> adjusted =
        benjamini_hochberg({got.negative_binomial.begin() + first, got.negative_binomial.end()});
    expect_all(adjusted, want["bh_adjusted"], name + " adjusted");
    for (const auto& [key, where] : want.items()) {
      if (!key.starts_with("bh_alarms_")) continue;
      std::vector<int> alarms = rejected(adjusted, std::stod(key.substr(10)));
      for (int& t : alarms) t += int(first);
      CHECK(json(alarms) == where);
    }
    const std::vector<double> counts = series["counts"];
    const std::vector<double> factor = weekday_factors(counts, factors["train"], file["weekday_of_first_value"]);
    expect_all(factor, factors["factor"], name + " factor");
    for (size_t t = 0; t < counts.size(); ++t)
      expect(counts[t] / factor[(t + file["weekday_of_first_value"].get<size_t>()) % 7], factors["adjusted"][t],
             name + " adjusted by weekday");
  }
}

TEST_CASE("multiplicity: golden adjusted p-values and rejections, four ways, and the threshold") {
  const json cases = golden_json("detect.json")["multiplicity"];
  REQUIRE(!cases.empty());
  using Way = std::vector<double> (*)(const std::vector<double>&);
  const std::map<std::string, Way> ways{
      {"fdr_bh", benjamini_hochberg}, {"fdr_by", benjamini_yekutieli}, {"holm", holm}, {"bonferroni", bonferroni}};
  for (const json& want : cases) {
    for (const auto& [name, way] : ways) {
      const std::vector<double> adjusted = way(want["p"]);
      expect_all(adjusted, want[name]["adjusted"], name);
      CHECK(json(rejected(adjusted, want["q"])) == want[name]["rejected"]);
    }
    expect(rejection_threshold(want["p"], want["q"]), want["bh_threshold"], "threshold");
  }
}

TEST_CASE("baseline: values by hand of tails, of a short baseline and of many tests") {
  CHECK(score::poisson_tails(9, 3).upper == Approx(0.0038030).epsilon(1e-4));
  CHECK(upper_tail(9, 3, 6) == Approx(0.0327148).epsilon(1e-5));
  CHECK(upper_tail(9, 3, 2) == score::poisson_tails(9, 3).upper);  // less than Poisson's variance
  CHECK(predictive_tails(8, 14, 7).upper == Approx(0.0031662).epsilon(1e-4));
  CHECK(rejected(benjamini_hochberg({.001, .008, .039, .041, .042, .06, .074, .205}), 0.05) == std::vector<int>{0, 1});
  CHECK(holm({}).empty());
  CHECK(std::isnan(rejection_threshold({0.5}, 0.05)));
  CHECK(error_of([] { holm({1.5}); }).find("0 ... 1; got 1.5") != std::string::npos);
  CHECK(error_of([] {
          weekday_factors({1, 2, 3}, 3);
        }).find("every weekday among the first 3 of 3") != std::string::npos);
  CHECK(error_of([] { weekday_factors(std::vector<double>(7, 0), 7); }).find("all 0") != std::string::npos);
  CHECK(error_of([] { ordinary_of({1}); }).find("two values at least; got 1") != std::string::npos);
  CHECK(std::isnan(ears({1, 2, 3}, 0.5).c1[2]));
}
