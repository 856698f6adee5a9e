// Rates by group and the gaps between them, beside fairlearn's values (golden), and by hand. Read tasks/score/groups.h
// before.
#include "tasks/score/groups.h"

#include "tests/support/golden_json.h"

using namespace test;
using namespace score;

namespace {

using Figure = double (*)(const Decisions&);
const std::map<std::string, Figure> kFigures{{"count", [](const Decisions& d) { return double(d.count()); }},
                                             {"accuracy", [](const Decisions& d) { return d.accuracy(); }},
                                             {"selection_rate", [](const Decisions& d) { return d.selection_rate(); }},
                                             {"tpr", [](const Decisions& d) { return d.tpr(); }},
                                             {"fpr", [](const Decisions& d) { return d.fpr(); }},
                                             {"tnr", [](const Decisions& d) { return d.tnr(); }},
                                             {"fnr", [](const Decisions& d) { return d.fnr(); }},
                                             {"precision", [](const Decisions& d) { return d.precision(); }},
                                             {"recall", [](const Decisions& d) { return d.tpr(); }},
                                             {"f1", [](const Decisions& d) { return d.f1(); }}};

std::vector<double> of_groups(const std::map<std::string, Decisions>& groups, const std::string& figure) {
  std::vector<double> values;
  for (const auto& [name, d] : groups) values.push_back(kFigures.at(figure)(d));
  return values;
}

void expect_frame(const Decisions& whole, const std::map<std::string, Decisions>& groups, const json& want,
                  const std::string& what) {
  REQUIRE(groups.size() == want["groups"].size());
  for (const auto& [figure, overall] : want["overall"].items()) {
    const std::string name = what + " " + figure;
    REQUIRE_MESSAGE(kFigures.count(figure), name);
    const double v = kFigures.at(figure)(whole);
    expect(v, overall, name);
    for (const auto& [group, d] : groups)
      expect(kFigures.at(figure)(d), want["groups"][group][figure], name + " of " + group);
    const std::vector<double> values = of_groups(groups, figure);
    expect(between_groups(values).difference, want["difference_between_groups"][figure], name + " difference");
    expect(between_groups(values).ratio, want["ratio_between_groups"][figure], name + " ratio");
    expect(to_overall(values, v).difference, want["difference_to_overall"][figure], name + " difference to overall");
    expect(to_overall(values, v).ratio, want["ratio_to_overall"][figure], name + " ratio to overall");
    expect(*std::min_element(values.begin(), values.end()), want["group_min"][figure], name + " least");
    expect(*std::max_element(values.begin(), values.end()), want["group_max"][figure], name + " most");
  }
}

}  // namespace

TEST_CASE("groups: golden rates and gaps, by one column and by two, and of a group without positives") {
  const json cases = golden_json("calibration.json")["fairness"];
  REQUIRE(!cases.empty());
  for (const json& want : cases) {
    const std::vector<int> y = want["y_true"], said = want["y_pred"];
    const std::vector<std::string> first = want["group"], second = want["second"];
    std::vector<std::string> both;
    for (size_t i = 0; i < first.size(); ++i) both.push_back(first[i] + "|" + second[i]);
    const Decisions whole = decisions_of(y, said);
    const std::map<std::string, Decisions> groups = by_group(y, said, first);
    const std::string name = want["name"];
    expect_frame(whole, groups, want["by_group"], name);
    expect_frame(whole, by_group(y, said, both), want["by_group_and_second"], name + " by two");
    for (const auto& [group, counts] : want["counts"].items()) {
      const Decisions& d = groups.at(group);
      CHECK(json{d.count(), d.positives(), d.selected(), d.tp} ==
            json{counts["n"], counts["positives"], counts["predicted_positives"], counts["true_positives"]});
    }
    for (const std::string against : {"between_groups", "to_overall"}) {
      const auto gap = [&](const std::string& figure) {
        const std::vector<double> values = of_groups(groups, figure);
        return against == "to_overall" ? to_overall(values, kFigures.at(figure)(whole)) : between_groups(values);
      };
      const std::map<std::string, Gap> gaps{{"demographic_parity_{}_", gap("selection_rate")},
                                            {"equal_opportunity_{}_", gap("tpr")},
                                            {"equalized_odds_{}_|_worst_case", worse_of(gap("tpr"), gap("fpr"))},
                                            {"equalized_odds_{}_|_mean", mean_of(gap("tpr"), gap("fpr"))}};
      for (const auto& [form, got] : gaps) {
        const size_t bar = form.find('|');
        const std::string end = bar == std::string::npos ? "" : form.substr(bar + 1);
        const auto key = [&](const char* kind) {
          return fmt::format(fmt::runtime(form.substr(0, bar)), kind) + against + end;
        };
        REQUIRE(want.contains(key("difference")));
        expect(got.difference, want[key("difference")], name + " " + key("difference"));
        expect(got.ratio, want[key("ratio")], name + " " + key("ratio"));
      }
    }
  }
}

TEST_CASE("groups: nothing to compare is not a number; what is not 0 or 1, or has no group, is refused") {
  CHECK(std::isnan(between_groups({0, 0}).ratio));
  CHECK(between_groups({0, 0}).difference == 0);
  CHECK(std::isnan(to_overall({0, 0}, 0).ratio));
  CHECK(to_overall({0.5, 1}, 0.8).ratio == doctest::Approx(0.625));
  const Gap defined = between_groups({0.5, 1}), undefined = between_groups({0, 0});
  for (const Gap& mean : {mean_of(defined, undefined), mean_of(undefined, defined)}) {
    CHECK(mean.ratio == 0.5);
    CHECK(mean.difference == 0.25);
  }
  CHECK(worse_of(defined, undefined).ratio == 0.5);
  CHECK(std::isnan(mean_of(undefined, undefined).ratio));
  CHECK(decisions_of({0, 0}, {0, 1}).tpr() == 0);
  CHECK(error_of([] { decisions_of({2}, {0}); }).find("0 or 1; got 2 and 0 at text 0") != std::string::npos);
  CHECK(error_of([] { by_group({1}, {0}, {}); }).find("got 0 for 1") != std::string::npos);
}
