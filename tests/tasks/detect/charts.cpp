// Cumulative sums, Page and Hinkley, moving averages, beside computed series (golden, R's surveillance and river as
// referees), and by hand. Read tasks/detect/charts.h before.
#include "tasks/detect/charts.h"

#include "tasks/detect/baseline.h"
#include "tests/support/golden_json.h"

using namespace test;
using namespace detect;
using doctest::Approx;

namespace {

Ordinary ordinary_in(const json& series) { return {series["mu0"], series["sigma"]}; }

// A chart over all counts: its numbers and the places of its alarms.
struct Walk {
  std::vector<double> first, second, third;
  std::vector<int> alarms, others;
};

}  // namespace

TEST_CASE("Ordinary: golden mean and deviation of the first 28 days, of which the deviation is at least one half") {
  for (const auto& [name, series] : golden_json("detect.json")["series"].items()) {
    const std::vector<double> counts = series["counts"];
    const Ordinary o = ordinary_of({counts.begin(), counts.begin() + 28}, 0.5);
    expect(o.mean, series["mu0"], name + " mean");
    expect(o.deviation, series["sigma"], name + " deviation");
  }
}

TEST_CASE("Cusum: golden sums and alarms of eight series, with and without restarts, and R's of counts") {
  const json all = golden_json("detect.json")["series"];
  REQUIRE(!all.empty());
  for (const auto& [name, series] : all.items()) {
    const std::vector<double> counts = series["counts"];
    for (const json& want : series["cusum"]) {
      Cusum chart(ordinary_in(series), want["k"], want["h"], want["reset_after_alarm"]);
      Walk w;
      for (size_t t = 0; t < counts.size(); ++t) {
        const bool alarm = chart.add(counts[t]);
        CHECK(alarm == (chart.alarm_up() || chart.alarm_down()));
        if (chart.alarm_up()) w.alarms.push_back(int(t));
        if (chart.alarm_down()) w.others.push_back(int(t));
        w.first.push_back(chart.up());
        w.second.push_back(chart.down());
      }
      expect_all(w.first, want["up"], name + " up");
      expect_all(w.second, want["down"], name + " down");
      CHECK(json(w.alarms) == want["alarms_up"]);
      CHECK(json(w.others) == want["alarms_down"]);
    }
    const json want = series["cusum_poisson_standardised_R"];
    Cusum chart({want["mean"], std::sqrt(want["mean"].get<double>())}, want["k"], want["h"]);
    expect(std::sqrt(want["mean"].get<double>()), want["sigma"], name + " sigma");
    Walk w;
    for (size_t t = 0; t < counts.size(); ++t) {
      chart.add(counts[t]);
      w.first.push_back(chart.up());
      if (chart.alarm_up()) w.alarms.push_back(int(t));
    }
    expect_all(w.first, want["up"], name + " R's up", 1e-9, 1e-12);
    CHECK(json(w.alarms) == want["alarms_up"]);
  }
}

TEST_CASE("PageHinkley: golden statistics and alarms, of both forms") {
  for (const auto& [name, series] : golden_json("detect.json")["series"].items()) {
    const std::vector<double> counts = series["counts"];
    const auto walk = [&](auto chart) {
      Walk w;
      for (size_t t = 0; t < counts.size(); ++t) {
        if (chart.add(counts[t])) w.alarms.push_back(int(t));
        w.first.push_back(chart.statistic());
      }
      return w;
    };
    REQUIRE((!series["page_hinkley"].empty() && !series["page_hinkley_max"].empty()));
    for (const json& want : series["page_hinkley"]) {
      const Walk w = walk(PageHinkley(want["delta"], want["lambda"]));
      expect_all(w.first, want["statistic"], name, 1e-9, 1e-12);
      CHECK(json(w.alarms) == want["alarms"]);
    }
    for (const json& want : series["page_hinkley_max"]) {
      const Walk w =
          walk(PageHinkleyForgetting(want["delta"], want["threshold"], want["alpha"], want["min_instances"]));
      expect_all(w.first, want["statistic"], name + " forgetting", 1e-9, 1e-12);
      CHECK(json(w.alarms) == want["alarms"]);
    }
  }
}

TEST_CASE("PageHinkley: waits for as many values as it was told, less one, and begins again after an alarm, by hand") {
  PageHinkleyForgetting chart(0, 1, 1, 5);
  std::vector<bool> alarms;
  std::vector<double> statistics;
  for (const double x : {0., 9., 9., 9., 9., 9.}) {
    alarms.push_back(chart.add(x));
    statistics.push_back(chart.statistic());
  }
  CHECK(alarms == std::vector<bool>{false, false, false, true, false, false});
  CHECK(statistics == std::vector<double>{0, 4.5, 7.5, 9.75, 0, 0});  // 9 less the means 4.5, 6, 6.75
  PageHinkley other(0.5, 3);
  CHECK((!other.add(0) && other.add(9)));  // 9 - 4.5 - 0.5 above the least sum, -0.5
  CHECK(other.statistic() == Approx(4));
  CHECK(!other.add(9));
  CHECK(other.statistic() == 0);
}

TEST_CASE("Ewma: golden averages, limits and alarms") {
  for (const auto& [name, series] : golden_json("detect.json")["series"].items())
    for (const json& want : series["ewma"]) {
      Ewma chart(ordinary_in(series), want["lambda"], want["L"]);
      Walk w;
      for (size_t t = 0; t < series["counts"].size(); ++t) {
        if (chart.add(series["counts"][t])) w.alarms.push_back(int(t));
        w.first.push_back(chart.value());
        w.second.push_back(chart.lower());
        w.third.push_back(chart.upper());
      }
      expect_all(w.first, want["z"], name + " z");
      expect_all(w.second, want["lower"], name + " lower", 1e-9, 1e-12);
      expect_all(w.third, want["upper"], name + " upper");
      CHECK(json(w.alarms) == want["alarms"]);
    }
}

TEST_CASE("charts: a copy in the middle of a series goes on as the chart itself, and bad numbers are refused") {
  Cusum chart({4, 2}, 0.5, 3, true);
  for (const double x : {5., 9., 4., 12.}) chart.add(x);
  Cusum copy = chart;
  for (const double x : {9., 2., 11.}) CHECK((chart.add(x) == copy.add(x) && chart.up() == copy.up()));
  CHECK(error_of([&] { chart.add(NAN); }).find("a finite number; got nan") != std::string::npos);
  CHECK(error_of([] { Cusum({4, 0}, 1, 1); }).find("a deviation above 0; got 4 and 0") != std::string::npos);
  CHECK(error_of([] { Ewma({4, 1}, 0, 1); }).find("above 0, at most 1; got 0") != std::string::npos);
  CHECK(error_of([] { PageHinkley(1, -1); }).find("0 or more; got -1") != std::string::npos);
  CHECK(error_of([] { PageHinkleyForgetting(1, 1, 2, 1); }).find("0 ... 1; got 2") != std::string::npos);
}
