// Uncertainty and greedy choice, by hand.
#include "tasks/score/selection.h"

#include <cmath>

#include "tests/support/support.h"

using namespace test;
using doctest::Approx;

TEST_CASE("uncertainty: margin and entropy of three classes, computed by hand (golden)") {
  CHECK(score::margin_uncertainty({.3, .5, .2}) == Approx(.8));
  CHECK(score::margin_uncertainty({0, 1, 0}) == Approx(0));
  CHECK(score::margin_uncertainty({.5, .5}) == Approx(1));
  CHECK(score::entropy_uncertainty({.5, .5, 0}) == Approx(0.6309297536));  // ln 2 / ln 3
  CHECK(score::entropy_uncertainty({.25, .25, .25, .25}) == Approx(1));
  CHECK(score::entropy_uncertainty({0, 1, 0}) == Approx(0));
  CHECK(error_of([] { score::margin_uncertainty({1}); }).find("more than one class; got 1") != std::string::npos);
}

TEST_CASE("choose: four texts on a line, in the orders that the formula gives by hand (golden)") {
  const std::vector<double> u{1, .81, .64, .25};
  const std::vector<float> v{0, .1f, .25f, 1};
  CHECK(score::choose(u, v, 4, 0) == std::vector<long>{0, 1, 2, 3});    // by uncertainty
  CHECK(score::choose(u, v, 4, 1) == std::vector<long>{0, 3, 2, 1});    // the farthest first
  CHECK(score::choose(u, v, 4, 0.5) == std::vector<long>{0, 3, 2, 1});  // u d: .081 .16 .25, then .081 .16
  // u^.8 d^.2: .533 .530 .330; then of the last two d = .15 and .9: .479 .323
  CHECK(score::choose(u, v, 4, 0.2) == std::vector<long>{0, 1, 2, 3});
  CHECK(score::choose(u, v, 2, 1) == std::vector<long>{0, 3});
  CHECK(score::choose({}, {}, 2, 1).empty());
}

TEST_CASE("choose: texts that are equal come last where diversity counts, and the more unsure of them first") {
  const std::vector<double> u{.9, .9, .8, .3};
  const std::vector<float> v{1, 0, 1, 0, 1, 0, 0, 1};  // [4, 2]
  CHECK(score::choose(u, v, 4, 0.5) == std::vector<long>{0, 3, 1, 2});
  CHECK(score::choose(u, v, 4, 0) == std::vector<long>{0, 1, 2, 3});
  CHECK(error_of([&] { score::choose(u, {1, 2, 3}, 4, 0); }).find("got 3 numbers for 4 texts") != std::string::npos);
  CHECK(error_of([&] { score::choose(u, v, 4, 1.5); }).find("between 0 and 1; got 1.5") != std::string::npos);
}
