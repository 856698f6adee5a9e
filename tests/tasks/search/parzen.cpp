// Densities of the estimators beside Optuna's (golden), and what every density has.
#include "tasks/search/parzen.h"

#include "tests/support/golden_json.h"

using namespace test;
using search::Bandwidth;
using search::Distribution;
using search::Kernels;
using search::Mixture;
using search::Parzen;

namespace {

Distribution distribution(const json& d) { return Distribution::from_optuna(d.dump(), "golden"); }

Rows points(const json& values) {
  Rows rows;
  for (const json& x : values) rows.push_back({x.get<double>()});
  return rows;
}

// The same kernels under weights that have every deviation in them as a factor: 3.1.0 leaves 1/sigma out of densities.
std::vector<double> densities_without_sigma(const Mixture& m, const Rows& x) {
  const Kernels& k = m.kernels(0);
  if (k.of_choices() || k.kind != Kernels::Kind::density) return m.log_densities(x);
  std::vector<double> weights = m.weights();
  double sum = 0;
  for (size_t c = 0; c < weights.size(); ++c) sum += weights[c] *= k.sigma[c];
  std::vector<double> result = Mixture(weights, {k}).log_densities(x);
  for (double& r : result) r += std::log(sum);
  return result;
}

search::ParzenOptions options_of(const json& c, Bandwidth bandwidth) {
  return {.bandwidth = bandwidth,
          .prior_weight = c.value("prior_weight", 1.0),
          .magic_clip = c.value("magic_clip", true),
          .endpoints = c.value("endpoints", false)};
}

// What `names` say, as rows over all parameters.
Rows rows_of(const json& columns, const std::vector<std::string>& names) {
  Rows rows(columns[names[0]].size());
  for (const std::string& name : names)
    for (size_t i = 0; i < rows.size(); ++i) rows[i].push_back(columns[name][i]);
  return rows;
}

}  // namespace

TEST_CASE("golden: Parzen estimators of one parameter have the kernels and densities of Optuna 3.1.0 and of its head") {
  const json file = golden_json("tpe.json");
  for (size_t i = 0; i < file["parzen"].size(); ++i) {
    const json &c = file["parzen"][i], &head = file["head"]["parzen"][i];
    const std::string what = fmt::format("case {} of {}", i, c["parameter"].get<std::string>());
    const Distribution d = distribution(c["distribution"]);
    const Rows seen = points(c["observations"]), x = points(c["candidates"]);
    const Parzen old({d}, seen, options_of(c, Bandwidth::optuna_3_1));
    expect_all(old.mixture().weights(), c["weights"], what);
    if (!c["mus"].is_null()) {
      expect_all(old.mixture().kernels(0).mu, c["mus"], what);
      expect_all(old.mixture().kernels(0).sigma, c["sigmas"], what);
    }
    expect_all(old.log_densities(x),
               c[c["cell"].is_null() && !c["mus"].is_null() ? "log_density_with_sigma" : "log_density"], what);
    expect_all(densities_without_sigma(old.mixture(), x), c["log_density"], what + ", without sigma");
    const Parzen latest({d}, seen, options_of(c, Bandwidth::latest));
    if (!head["sigmas"].is_null()) expect_all(latest.mixture().kernels(0).sigma, head["sigmas"], what + ", head");
    expect_all(latest.log_densities(x), head["log_density"], what + ", head");
  }
}

TEST_CASE("golden: joint estimators of seven parameters have the densities of Optuna 3.1.0 and of its head") {
  const json file = golden_json("tpe.json");
  std::vector<std::string> names;
  std::vector<Distribution> domain;
  for (const auto& [name, d] : file["space"].items()) {
    names.push_back(name);
    domain.push_back(distribution(d));
  }
  for (size_t i = 0; i < file["parzen_multivariate"].size(); ++i) {
    const json &c = file["parzen_multivariate"][i], &head = file["head"]["parzen_multivariate"][i];
    const Rows seen = rows_of(c["observations"], names), x = rows_of(c["candidates"], names);
    const Parzen old(domain, seen, {.several = true}), latest(domain, seen, {Bandwidth::latest, true});
    // 3.1.0's without 1/sigma of each parameter: the same in all components but the prior
    std::vector<double> weights = old.mixture().weights();
    std::vector<Kernels> kernels;
    for (size_t d = 0; d < domain.size(); ++d) {
      const Kernels& k = kernels.emplace_back(old.mixture().kernels(d));
      if (!k.mu.empty()) expect_all(k.sigma, c["sigmas"][names[d]], names[d]);
      if (!k.mu.empty() && k.kind == Kernels::Kind::density)
        for (size_t n = 0; n < weights.size(); ++n) weights[n] *= k.sigma[n];
    }
    double sum = 0;
    for (const double w : weights) sum += w;
    std::vector<double> got = Mixture(weights, kernels).log_densities(x);
    for (double& g : got) g += std::log(sum);
    expect_all(got, c["log_density"], fmt::format("joint {}", i));
    expect_all(latest.log_densities(x), head["log_density"], fmt::format("joint {}, head", i));
  }
}

TEST_CASE("golden: sixteen values of four, and the prior: which of the equal ones has which gap is Optuna 3.1.0's") {
  const double low = 2.0 / 9;  // the least deviation: the width 4 over 2 + 16
  const Parzen p({Distribution::whole(1, 4)},
                 {{1}, {4}, {2}, {3}, {1}, {2}, {4}, {3}, {2}, {1}, {3}, {4}, {1}, {2}, {3}, {4}});
  expect_all(p.mixture().kernels(0).sigma, {low, low, low, low, 1, 0.5, 1, 0.5, low, low, low, low, low, 1, 1, low, 4},
             "17 kernels");
}

TEST_CASE("parzen: a density over numbers has mass 1, and so have cells and choices") {
  const Distribution domain[] = {Distribution::number(-2, 3), Distribution::number(1e-4, 1, true),
                                 Distribution::whole(1, 9), Distribution::whole(2, 40, true),
                                 Distribution::choice({"a", "b", "c"})};
  const Rows seen[] = {{{-2}, {0.3}, {0.31}, {3}}, {{1e-4}, {0.5}}, {{1}, {9}, {9}}, {{2}, {17}}, {{2}, {0}}};
  for (int i = 0; i < 5; ++i)
    for (const Bandwidth bandwidth : {Bandwidth::optuna_3_1, Bandwidth::latest}) {
      if (i == 3 && bandwidth == Bandwidth::optuna_3_1) continue;  // a density in log x over whole numbers
      const Distribution& d = domain[i];
      const Parzen p({d}, seen[i], {.bandwidth = bandwidth});
      double mass = 0;
      if (d.step > 0) {
        for (double x = d.low; x <= d.high; x += d.step) mass += std::exp(p.log_densities({{x}})[0]);
      } else {
        const int n = 20000;
        const double low = d.log ? std::log(d.low) : d.low, width = (d.log ? std::log(d.high) : d.high) - low;
        for (int j = 0; j < n; ++j) {
          const double z = low + width * (j + 0.5) / n;
          mass += std::exp(p.log_densities({{d.log ? std::exp(z) : z}})[0]) * width / n;
        }
      }
      CHECK_MESSAGE(mass == doctest::Approx(1).epsilon(1e-6), i);
    }
}

TEST_CASE("mixture: far out in the tail a mass has a logarithm, and draws stay within the bounds") {
  CHECK(search::log_phi(-40) == doctest::Approx(-804.608442013754).epsilon(1e-13));
  CHECK(search::log_mass(50, 51) == doctest::Approx(search::log_mass(-51, -50)).epsilon(1e-13));
  CHECK(search::log_mass(-1, 1) == doctest::Approx(std::log(0.6826894921370859)).epsilon(1e-13));
  const Parzen p({Distribution::number(0, 1), Distribution::whole(4, 512, true)}, {{0, 4}, {1, 512}, {0.5, 100}});
  search::Draws draws(1, 2, 3), again(1, 2, 3), other(1, 3, 3);
  bool differs = false;
  for (int i = 0; i < 2000; ++i) {
    const std::vector<double> x = p.draw(draws);
    CHECK((x[0] >= 0 && x[0] <= 1 && x[1] >= 4 && x[1] <= 512 && x[1] == std::floor(x[1])));
    CHECK(x == p.draw(again));
    differs |= x != p.draw(other);
  }
  CHECK(differs);
}
