// Bins, temperature, risk at every coverage and conformal sets, beside scikit-learn's and scipy's values (golden), and
// by hand. Read tasks/score/calibration.h, confidence.h and refusal.h before.
#include "tasks/score/calibration.h"

#include "tasks/score/confidence.h"
#include "tasks/score/refusal.h"
#include "tests/support/golden_json.h"

using namespace test;
using namespace score;
using doctest::Approx;

namespace {

Rows probabilities_of(const json& logits) {
  Rows p;
  for (const std::vector<double>& x : logits.get<Rows>()) p.push_back(probabilities(x));
  return p;
}

void expect_bins(const std::vector<Bin>& got, const json& want, const std::string& what) {
  REQUIRE_MESSAGE(got.size() == want["bins"].size(), what);
  for (size_t b = 0; b < got.size(); ++b) {
    CHECK(got[b].bin == want["bins"][b]["bin"].get<int>());
    CHECK(got[b].count == want["bins"][b]["count"].get<long>());
    expect(got[b].confidence, want["bins"][b]["confidence"], what + " confidence");
    expect(got[b].accuracy, want["bins"][b]["accuracy"], what + " accuracy");
  }
  expect(ece(got), want["ece"], what + " ece");
  expect(mce(got), want["mce"], what + " mce");
  if (want.contains("rmsce")) expect(rmsce(got), want["rmsce"], what + " rmsce");
  if (want.contains("ace_top_label")) expect(ace(got), want["ace_top_label"], what + " ace");
}

// "equal_width_15" -> 15
int number_after(const std::string& prefix, const std::string& name) { return std::stoi(name.substr(prefix.size())); }

}  // namespace

TEST_CASE("calibration: golden bins and errors, of the largest probability and of every class") {
  const json cases = golden_json("calibration.json")["calibration"];
  REQUIRE(!cases.empty());
  for (const json& want : cases) {
    const Rows p = probabilities_of(want["logits"]);
    const std::vector<int> labels = want["labels"];
    const Outcomes o = outcomes_of_largest(p, labels);
    const std::string name = want["name"];
    expect(double(std::count(o.right.begin(), o.right.end(), true)) / double(o.right.size()), want["accuracy"], name);
    const std::string width = "equal_width_", mass = "equal_mass_", class_mass = "ace_classwise_equal_mass_";
    const std::string class_width = "classwise_ece_";
    for (const auto& [key, value] : want.items()) {
      const std::string what = name + " " + key;
      if (key.rfind(width, 0) == 0)
        expect_bins(bins_of_width(o.confidence, o.right, number_after(width, key)), value, what);
      if (key.rfind(mass, 0) == 0)
        expect_bins(bins_of_size(o.confidence, o.right, number_after(mass, key)), value, what);
      std::vector<double> errors;
      double sum = 0;
      for (int k = 0; k < int(p[0].size()); ++k) {
        const Outcomes c = outcomes_of_class(p, labels, k);
        if (key.rfind(class_width, 0) == 0)
          errors.push_back(ece(bins_of_width(c.confidence, c.right, number_after(class_width, key))));
        if (key.rfind(class_mass, 0) == 0)
          errors.push_back(ace(bins_of_size(c.confidence, c.right, number_after(class_mass, key))));
        if (!errors.empty()) sum += errors.back();
      }
      if (key.rfind(class_width, 0) == 0) expect_all(errors, value["per_class"], what);
      if (!errors.empty())
        expect(sum / double(errors.size()), value.is_object() ? value["mean"] : value, what + " mean");
    }
    expect(brier(p, labels), want["brier_sum_over_classes"], name + " Brier");
    expect(negative_log_likelihood(want["logits"], labels), want["nll"], name + " nll");
  }
}

TEST_CASE("best_temperature: golden, and what it does to the loss and the calibration error") {
  for (const json& want : golden_json("calibration.json")["calibration"]) {
    const Rows logits = want["logits"];
    const std::vector<int> labels = want["labels"];
    const json fit = want["temperature"];
    const double T = best_temperature(logits, labels);
    const std::string name = want["name"];
    expect(T, fit["T"], name + " T");
    expect(T, fit["T_by_bounded_minimisation"], name + " T by minimisation", 1e-6);
    expect(negative_log_likelihood(logits, labels), fit["nll_before"], name + " before");
    expect(negative_log_likelihood(logits, labels, T), fit["nll_after"], name + " after");
    Rows p;
    for (const std::vector<double>& x : logits) p.push_back(probabilities(x, T));
    const Outcomes o = outcomes_of_largest(p, labels);
    expect(ece(bins_of_width(o.confidence, o.right, 15)), fit["ece_after"], name + " ece", 1e-8);
  }
}

TEST_CASE("risk_by_coverage: golden risks, areas and accuracies of five scores, and of two known orders") {
  const json file = golden_json("calibration.json");
  for (const json& want : file["calibration"]) {
    const Rows p = probabilities_of(want["logits"]);
    const Outcomes o = outcomes_of_largest(p, want["labels"]);
    std::map<std::string, std::vector<double>> own;
    for (size_t i = 0; i < p.size(); ++i) {
      own["max_probability"].push_back(max_probability(p[i]));
      own["margin"].push_back(margin(p[i]));
      own["negative_entropy"].push_back(negative_entropy(p[i]));
      own["negative_energy_T1"].push_back(negative_energy(want["logits"][i]));
    }
    REQUIRE(!want["selective"].empty());
    for (const auto& [name, expected] : want["selective"].items()) {
      const std::string what = want["name"].get<std::string>() + " " + name;
      if (own.count(name)) expect_all(own[name], expected["score"], what);
      const std::vector<double> risk = risk_by_coverage(expected["score"], o.right);
      expect_all(risk, expected["risk"], what + " risk");
      expect(area(risk), expected["aurc"], what + " aurc");
      expect(area(least_risk(o.right)), expected["optimal_aurc"], what + " least");
      expect(area(risk) - area(least_risk(o.right)), expected["e_aurc"], what + " e-aurc");
      for (const auto& [coverage, accuracy] : expected["accuracy_at_coverage"].items())
        expect(accuracy_at_coverage(risk, std::stod(coverage)), accuracy, what + " at " + coverage);
    }
  }
  const json known = file["known"];
  int bins = 0;
  for (const auto& [key, want] : known.items())
    if (key.starts_with("ece_")) {
      bins = number_after("ece_", key);
      expect(ece(bins_of_width(known["conf"], flags(known["hit"]), bins)), want, "known " + key);
    }
  const std::vector<bool> order{true, true, false, true, false};
  expect(area(risk_by_coverage({5, 4, 3, 2, 1}, order)), known["aurc_of_order_right_right_wrong_right_wrong"], "known");
  expect(area(least_risk(order)), known["optimal"], "known least");
  for (const auto& [key, want] : file["bin_edges"].items())
    for (size_t i = 0; key.starts_with("bin_of_") && i < want.size(); ++i, ++bins)
      CHECK(bin_of(file["bin_edges"]["confidence"][i], number_after("bin_of_", key)) == want[i].get<int>());
  CHECK(bins > 15);  // both were there
}

TEST_CASE("bin_of: an edge belongs to the bin below it, the next number to the bin above, for any number of bins") {
  for (int B = 1; B <= 200; ++B)
    for (int b = 1; b <= B; ++b) {
      const double edge = double(b) / B;
      CHECK(bin_of(edge, B) == b - 1);
      if (b < B) CHECK(bin_of(std::nextafter(edge, 2), B) == b);
    }
}

TEST_CASE("coverage_at_accuracy: the most texts of which that share is right, by hand") {
  const std::vector<double> risk = risk_by_coverage({5, 4, 3, 2, 1}, {true, true, false, true, false});
  CHECK(coverage_at_accuracy(risk, 0.75) == Approx(0.8));  // right 1, 1, 2/3, 3/4, 3/5
  CHECK(coverage_at_accuracy(risk, 0.76) == Approx(0.4));
  CHECK(coverage_at_accuracy(risk, 0.5) == 1);
  CHECK(coverage_at_accuracy(risk_by_coverage({2, 1}, {false, true}), 0.9) == 0);
  CHECK(error_of([&] { accuracy_at_coverage(risk, 0); }).find("above 0, at most 1; got 0") != std::string::npos);
}

TEST_CASE("ece_of_a_perfect_model: one text, two texts by hand, and many against drawn outcomes") {
  CHECK(ece_of_a_perfect_model({0.8}, 10) == Approx(2 * 0.8 * 0.2));          // E |right - c|
  CHECK(ece_of_a_perfect_model({0.5, 0.5}, 1) == Approx(0.25));               // |sum - 1| / 2: 1, 0, 0, 1 in fours
  CHECK(ece_of_a_perfect_model({0.3, 0.9}, 2) == Approx((0.42 + 0.18) / 2));  // each alone in its bin
  const std::vector<double> many(3000, 0.7);  // beyond the exact sum: sqrt(2 v / (pi n))
  CHECK(ece_of_a_perfect_model(many, 10) == Approx(std::sqrt(2 * 0.21 / (M_PI * 3000))));
  const std::vector<double> exact(2000, 0.7);
  CHECK(ece_of_a_perfect_model(exact, 10) == Approx(std::sqrt(2 * 0.21 / (M_PI * 2000))).epsilon(1e-3));
}

TEST_CASE("best_temperature: bounds where nothing is best, and what is refused") {
  CHECK(best_temperature({{3, 0}, {0, 2}}, {0, 1}) <
        0.01);  // always right: the sharper the better, until nothing is left
  CHECK(best_temperature({{3, 0}, {0, 2}}, {1, 0}) == Approx(1000));  // always wrong: the flatter the better
  const auto doubt = [](const Rows& logits, const std::vector<int>& labels) {
    return no_measurement(best_temperature(logits, labels), none_wrong(logits, labels));
  };
  CHECK(doubt({{3, 0}, {0, 2}}, {1, 0})
            .find("temperature 1000 is the end of the search: on these texts the model is at") == 0);
  CHECK(doubt({{3, 0}, {0, 2}}, {0, 1}).find("says nothing: of these texts none is wrong") != std::string::npos);
  CHECK(doubt({{1e-6, 0}, {1e-6, 0}, {1e-6, 0}}, {0, 0, 1}).find("0.001 is the end of the search: the scores") == 12);
  CHECK(doubt({{2, 0}, {2, 0}, {2, 0}}, {0, 0, 1}).empty());
  CHECK(best_temperature({{2, 0}, {2, 0}, {2, 0}}, {0, 0, 1}) == Approx(2 / std::log(2.)));  // p = 2/3
  CHECK(error_of([] {
          best_temperature({{1, 2}}, {2});
        }).find("labels are 0 ... 1; got 2 in row 0") != std::string::npos);
  CHECK(error_of([] { bins_of_width({1.5}, {true}, 3); }).find("0 ... 1; got 1.5") != std::string::npos);
  CHECK(error_of([] { bins_of_size({0.5}, {true, false}, 3); }).find("got 2 for 1") != std::string::npos);
}
