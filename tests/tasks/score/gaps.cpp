// Gaps between groups, against fairlearn's golden values and by hand; what is not estimable; what chance alone makes.
#include "tasks/score/gaps.h"

#include "tests/support/golden_json.h"

using namespace test;
using namespace score;

namespace {

uint64_t state = 7;
double uniform() {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return double(state >> 33) / double(1u << 31);
}

// Two groups whose members are found with these probabilities where they are of class 1, by chance 0.2 where not.
Grouped drawn(long n, double first, double second) {
  std::vector<std::string> group;
  std::vector<int> truth, said;
  for (long i = 0; i < n; ++i) {
    group.push_back(i % 2 ? "b" : "a");
    truth.push_back(uniform() < 0.5);
    said.push_back(uniform() < (truth.back() ? i % 2 ? second : first : 0.2));
  }
  return Grouped(group, truth, said, 2);
}

}  // namespace

TEST_CASE("gaps: golden differences of demographic parity, equal opportunity and equalised odds") {
  int compared = 0;
  const json cases = golden_json("calibration.json")["fairness"];
  for (const json& want : cases) {
    const Grouped texts(want["group"], want["y_true"], want["y_pred"], 2);
    const std::vector<Confusion> by_group = texts.by_group();
    const bool all =
        std::ranges::all_of(by_group, [](const Confusion& c) { return c.support(1) > 0 && c.support(0) > 0; });
    if (!all || by_group.size() < 2)
      continue;  // a rate over nothing is 0 for fairlearn, and one group has no gap there
    ++compared;
    expect(worst_gap(by_group, Parity::demographic, 1)->difference,
           want["demographic_parity_difference_between_groups"], "parity");
    expect(worst_gap(by_group, Parity::odds, 1)->difference,
           want["equalized_odds_difference_between_groups_worst_case"], "odds");
    expect(worst_gap(by_group, Parity::opportunity, 1)->difference, want["equal_opportunity_difference_between_groups"],
           "opportunity");
  }
  CHECK(compared > 0);
}

TEST_CASE("gaps: of several classes the worst counts, each against the rest, and it is named") {
  std::vector<std::string> group;
  std::vector<int> truth, said;
  for (int g = 0; g < 2; ++g)
    for (int c = 0; c < 3; ++c)
      for (int i = 0; i < 10; ++i) {
        group.push_back(g ? "x" : "y");
        truth.push_back(c);
        said.push_back(g && c == 2 && i < 4 ? 0 : c);  // of x four of ten of class 2 are taken for class 0
      }
  const std::vector<Confusion> by_group = Grouped(group, truth, said, 3).by_group();
  const auto odds = worst_gap(by_group, Parity::odds);
  CHECK(odds->difference == doctest::Approx(0.4));
  CHECK(odds->of_class == 2);
  const auto parity = worst_gap(by_group, Parity::demographic);
  CHECK(parity->difference == doctest::Approx(4. / 30));
  CHECK(one_against_rest(by_group[0], 2).fn == 4);
  CHECK(one_against_rest(by_group[0], 0).fp == 4);
}

TEST_CASE("gaps: a group without enough positives has no true positive rate, and two groups are needed") {
  std::vector<std::string> group;
  std::vector<int> truth, said;
  const auto add = [&](const std::string& name, int y, int p, int times) {
    for (int i = 0; i < times; ++i) group.push_back(name), truth.push_back(y), said.push_back(p);
  };
  add("a", 1, 1, 20), add("a", 0, 0, 20), add("b", 1, 0, 4), add("b", 0, 0, 30);
  CHECK(!worst_gap(Grouped(group, truth, said, 2).by_group(), Parity::opportunity));
  CHECK(!worst_gap(Grouped(group, truth, said, 2).by_group(), Parity::odds));
  CHECK(worst_gap(Grouped(group, truth, said, 2).by_group(), Parity::demographic)->difference == doctest::Approx(0.5));
  add("b", 1, 0, 1);  // the fifth
  CHECK(worst_gap(Grouped(group, truth, said, 2).by_group(), Parity::opportunity)->difference == 1);
}

TEST_CASE("gaps: the interval holds a true difference, and without one the gap is what chance makes of it") {
  int held = 0;
  double gaps = 0, chance = 0;
  const int draws = 40;
  for (int d = 0; d < draws; ++d) {
    const GapReport unequal = gap_report(drawn(600, 0.9, 0.7), Parity::opportunity, 200, uint64_t(d));
    held += unequal.interval.low <= 0.2 && 0.2 <= unequal.interval.high;
    CHECK(unequal.gap->difference > unequal.by_chance);
    const GapReport equal = gap_report(drawn(300, 0.8, 0.8), Parity::odds, 200, uint64_t(d));
    gaps += equal.gap->difference / draws;
    chance += equal.by_chance / draws;
  }
  CHECK(held >= 34);  // 95 % of 40 is 38
  CHECK(gaps == doctest::Approx(chance).epsilon(0.25));
  CHECK(chance > 0.04);
}

TEST_CASE("gaps: the same at any time, and bad input is refused") {
  const Grouped texts = drawn(200, 0.9, 0.6);
  const GapReport a = gap_report(texts, Parity::odds, 50, 3), b = gap_report(texts, Parity::odds, 50, 3);
  CHECK(a.interval.low == b.interval.low);
  CHECK(a.by_chance == b.by_chance);
  CHECK(a.interval.low != gap_report(texts, Parity::odds, 50, 4).interval.low);
  CHECK(error_of([] { Grouped({"a"}, {0, 1}, {0, 1}, 2); }) == "groups: a group for every text; got 1 for 2");
  CHECK(error_of([] { Grouped({"a"}, {2}, {0}, 2); }) == "groups: classes are 0 ... 1; got 2 and 0 at text 0");
}
