// Rank sums beside scipy's, and what holds for any.
#include "tasks/score/rank_sum.h"

#include "tests/support/support.h"

using namespace test;

TEST_CASE("rank_sum: U and p are scipy's, with ties and without") {
  // scipy 1.10.1: mannwhitneyu(a, b, alternative="less", method="asymptotic")
  const auto ties = score::rank_sum({1, 2, 2, 3, 5, 8}, {2, 4, 4, 7, 9, 9, 10});
  CHECK(ties.u == 9.0);
  CHECK(ties.lower == doctest::Approx(0.04880353473667618).epsilon(1e-12));
  const auto plain = score::rank_sum({0.1, 0.4, 0.35, 0.8}, {0.2, 0.9, 0.7, 1.1, 0.6});
  CHECK(plain.u == 5.0);
  CHECK(plain.lower == doctest::Approx(0.13517207032739004).epsilon(1e-12));
}

TEST_CASE("rank_sum: the other way round is the rest, and values that are all alike tell nothing") {
  const std::vector<double> a{3, 1, 4, 1, 5}, b{9, 2, 6};
  CHECK(score::rank_sum(a, b).u + score::rank_sum(b, a).u == 15);
  CHECK(score::rank_sum(a, b).z == doctest::Approx(-score::rank_sum(b, a).z));
  CHECK(score::rank_sum({2, 2}, {2, 2, 2}).z == 0);
  CHECK(score::rank_sum({2, 2}, {2, 2, 2}).lower == 1);
  CHECK(error_of([] { score::rank_sum({}, {1}); }) == "rank_sum: both samples need a value; got 0 and 1");
}
