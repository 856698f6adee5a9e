// Tails and quantiles: closed forms, one against the other, and the values of a published table. Read
// tasks/score/distributions.h before. Golden values of tails stand in tests/tasks/detect.
#include "tasks/score/distributions.h"

#include "tests/support/golden_json.h"

using namespace test;
using namespace score;
using doctest::Approx;

namespace {
Approx to_12(double x) { return Approx(x).epsilon(1e-12).scale(0); }
}  // namespace

TEST_CASE("tails: closed forms of Poisson, geometric, binomial and uniform counts, far out as well") {
  CHECK(poisson_tails(0, 2).lower == to_12(std::exp(-2)));
  CHECK(poisson_tails(1, 2).upper == to_12(1 - std::exp(-2)));
  const double far = std::exp(-1e-3 - 180 * std::log(10.) - std::lgamma(61.));  // P(X = 60), about 1e-262
  CHECK(poisson_tails(60, 1e-3).upper == Approx(far * (1 + 1e-3 / 61)).epsilon(1e-9).scale(0));
  // size 1 is geometric: P(X >= x) = q^x, q = m / (1 + m)
  CHECK(negative_binomial_tails(40, 3, 1).upper == to_12(std::pow(0.75, 40)));
  CHECK(negative_binomial_tails(2, 3, 1).lower == to_12(1 - std::pow(0.75, 3)));
  CHECK(negative_binomial_tails(9, 4, 1e9).upper == Approx(poisson_tails(9, 4).upper).epsilon(1e-7));
  CHECK(binomial_tails(9, 10, 0.5).upper == to_12(11. / 1024));
  CHECK(binomial_tails(1, 10, 0.5).lower == to_12(11. / 1024));
  CHECK(binomial_tails(3, 10, 0.3).mid ==
        to_12(1 - binomial_tails(3, 10, 0.3).lower + binomial_tails(3, 10, 0.3).at / 2));
  for (long x = 0; x <= 6; ++x) {  // a = b = 1: every number from 0 to n alike
    CHECK(beta_binomial_tails(x, 6, 1, 1).upper == to_12(double(7 - x) / 7));
    CHECK(beta_binomial_tails(x, 6, 1, 1).lower == to_12(double(x + 1) / 7));
    CHECK(beta_binomial_tails(x, 6, 3e8, 7e8).upper == Approx(binomial_tails(x, 6, 0.3).upper).epsilon(1e-7));
  }
}

TEST_CASE("tails: counts of nothing, certain ones, and what is refused") {
  CHECK(poisson_tails(0, 0).upper == 1);
  CHECK(poisson_tails(3, 0).upper == 0);
  CHECK(negative_binomial_tails(3, 0, 2).lower == 1);
  CHECK(binomial_tails(0, 0, 0.5).upper == 1);
  CHECK(binomial_tails(4, 4, 1).at == 1);
  CHECK(error_of([] { poisson_tails(-1, 2); }).find("0 or more; got -1") != std::string::npos);
  CHECK(error_of([] { poisson_tails(1, NAN); }).find("the mean is a number") != std::string::npos);
  CHECK(error_of([] { negative_binomial_tails(1, 2, 0); }).find("above 0; got 0") != std::string::npos);
  CHECK(error_of([] { beta_binomial_tails(5, 4, 1, 1); }).find("0 ... 4 hold; got 5") != std::string::npos);
}

TEST_CASE("quantiles: of the normal and of Beta, there and back") {
  CHECK(normal_quantile(0.5) == Approx(0));
  CHECK(normal_quantile(0.975) == to_12(1.959963984540054));
  CHECK(normal_quantile(1e-9) == to_12(-5.997807015007687));
  CHECK(normal_quantile(0.3) == to_12(-normal_quantile(0.7)));
  CHECK(beta_below(0.3, 1, 1) == to_12(0.3));
  CHECK(beta_below(0.3, 2, 1) == to_12(0.09));
  CHECK(beta_below(0.9, 1, 4) == to_12(1 - 1e-4));
  for (const double share : {1e-6, 0.025, 0.5, 0.975})
    CHECK(beta_below(beta_quantile(share, 3.5, 40.5), 3.5, 40.5) == Approx(share).epsilon(1e-10));
  CHECK(chi_squared_1_above(3.841458820694124) == Approx(0.05).epsilon(1e-10));
  // of a binomial: P(X <= x) = I_(1 - p)(n - x, x + 1)
  CHECK(binomial_tails(3, 12, 0.4).lower == to_12(beta_below(0.6, 9, 4)));
}
