// Student's intervals against published tables.
#include "tasks/score/intervals.h"

#include "tests/support/support.h"

using namespace test;
using doctest::Approx;

TEST_CASE("student_t: the quantiles of published tables, for few and for many degrees of freedom") {
  struct Row {
    long n;
    double within_90, within_95, within_99;
  };
  const Row table[] = {
      {1, 6.313752, 12.706205, 63.656741}, {2, 2.919986, 4.302653, 9.924843},   {3, 2.353363, 3.182446, 5.840909},
      {4, 2.131847, 2.776445, 4.604095},   {5, 2.015048, 2.570582, 4.032143},   {10, 1.812461, 2.228139, 3.169273},
      {30, 1.697261, 2.042272, 2.749996},  {100, 1.660234, 1.983972, 2.625891}, {1000, 1.646379, 1.962339, 2.580755}};
  for (const Row& row : table) {
    CAPTURE(row.n);
    CHECK(score::student_t(0.90, row.n) == Approx(row.within_90).epsilon(1e-6));
    CHECK(score::student_t(0.95, row.n) == Approx(row.within_95).epsilon(1e-6));
    CHECK(score::student_t(0.99, row.n) == Approx(row.within_99).epsilon(1e-6));
  }
  CHECK(error_of([] { score::student_t(1, 3); }).find("between 0 and 1; got 1") != std::string::npos);
  CHECK(error_of([] { score::student_t(0.9, 0); }).find("at least one degree of freedom; got 0") != std::string::npos);
}

TEST_CASE("interval_95: mean and t s / sqrt(n); a single number has no width") {
  const score::Interval three = score::interval_95({0.7, 0.8, 0.6});  // s = 0.1
  CHECK(three.mean == Approx(0.7));
  CHECK(three.half == Approx(4.302653 * 0.1 / std::sqrt(3.)).epsilon(1e-6));
  CHECK(score::interval_95({3}).mean == 3);
  CHECK(score::interval_95({3}).half == 0);
  CHECK(score::interval_95({2, 2, 2, 2}).half == 0);
  CHECK(error_of([] { score::interval_95({}); }) == "interval: an empty sample has no mean");
}

TEST_CASE("gain: the difference of two means and Welch's standard error, by hand; shown from two of them on (golden)") {
  const score::Gain clear = score::gain({0.6, 0.7, 0.8}, {0.9, 0.8, 1.0});  // s = 0.1 both
  CHECK(clear.mean == Approx(0.2));
  CHECK(clear.error == Approx(0.0816496581));  // sqrt(0.01 / 3 + 0.01 / 3)
  CHECK(clear.shown());
  CHECK(!score::gain({0.6, 0.7, 0.8}, {0.7, 0.8, 0.9}).shown());
  CHECK(!score::gain({0.9, 0.9}, {0.1, 0.1}).shown());
  CHECK(error_of([] {
          score::gain({0.5}, {0.5, 0.6});
        }).find("two numbers at least; got 1 and 2") != std::string::npos);
  CHECK(score::deviation({0.6, 0.7, 0.8}) == Approx(0.1));
  CHECK(score::deviation({0.6}) == 0);
}
