// Tails by summing probabilities from the count outwards, quantiles by halving. The formulas stand in distributions.h.
#include "tasks/score/distributions.h"

#include <cmath>
#include <limits>

#include "engine/base.h"

namespace score {

using engine::check;

namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

// The tails of a count with P(X = x) = at and P(X = x + 1) / P(X = x) = ratio(x), which falls to 0 or to below 1. The
// side away from the mean is summed from x outwards, the other one is 1 minus it: no digits are lost on either.
template <class F>
Tails tails_from(long x, double mean, double at, F ratio) {
  double beyond = 0, term = at;  // P on the far side of x, x left out
  const bool above = double(x) > mean;
  if (above) {
    for (long i = x; (term *= ratio(i)) > beyond * kEpsilon / 16; ++i) beyond += term;
    return {at + beyond, 1 - beyond, beyond + at / 2, at};
  }
  for (long i = x; i > 0 && (term /= ratio(i - 1)) > beyond * kEpsilon / 16; --i) beyond += term;
  return {1 - beyond, at + beyond, 1 - beyond - at / 2, at};
}

// sum over i < n of log ratio(i), a logarithm taken only where the product would leave the range of doubles.
template <class F>
double log_product(long n, F ratio) {
  double log = 0, product = 1;
  for (long i = 0; i < n; ++i) {
    product *= ratio(i);
    if (product > 1e-200 && product < 1e200) continue;
    log += std::log(product);
    product = 1;
  }
  return log + std::log(product);
}

void check_count(const char* who, long x, double mean) {
  check(x >= 0, "{}: a count is 0 or more; got {}", who, x);
  check(mean >= 0 && std::isfinite(mean), "{}: the mean is a number of 0 or more; got {}", who, mean);
}

// P(X = 0), a mean of 0: nothing comes.
Tails of_nothing(long x) { return x == 0 ? Tails{} : Tails{0, 1, 0, 0}; }

}  // namespace

Tails poisson_tails(long x, double mean) {
  check_count("poisson_tails", x, mean);
  if (mean == 0) return of_nothing(x);
  const auto ratio = [&](long i) { return mean / double(i + 1); };
  return tails_from(x, mean, std::exp(log_product(x, ratio) - mean), ratio);
}

Tails negative_binomial_tails(long x, double mean, double size) {
  check_count("negative_binomial_tails", x, mean);
  check(size > 0, "negative_binomial_tails: the size is above 0; got {}", size);
  if (std::isinf(size)) return poisson_tails(x, mean);
  if (mean == 0) return of_nothing(x);
  const double q = mean / (size + mean);
  const auto ratio = [&](long i) { return (size + double(i)) / double(i + 1) * q; };
  // By steps: differences of lgamma lose digits where the size is large.
  const double log_at = log_product(x, ratio) - size * std::log1p(mean / size);
  return tails_from(x, mean, std::exp(log_at), ratio);
}

Tails beta_binomial_tails(long x, long n, double a, double b) {
  check(n >= 0 && x >= 0 && x <= n, "beta_binomial_tails: of {} texts 0 ... {} hold; got {}", n, n, x);
  check(a > 0 && b > 0 && std::isfinite(a) && std::isfinite(b),
        "beta_binomial_tails: a and b are above 0; got {} and {}", a, b);
  const auto ratio = [&](long i) { return double(n - i) / double(i + 1) * (a + double(i)) / (b + double(n - i - 1)); };
  // P(X = 0) = b (b + 1) ... / ((a + b) (a + b + 1) ...), n factors each
  const double log_at =
      log_product(n, [&](long i) { return (b + double(i)) / (a + b + double(i)); }) + log_product(x, ratio);
  return tails_from(x, double(n) * a / (a + b), std::exp(log_at), [&](long i) { return i < n ? ratio(i) : 0; });
}

Tails binomial_tails(long x, long n, double p) {
  check(n >= 0 && x >= 0 && x <= n, "binomial_tails: of {} texts 0 ... {} hold; got {}", n, n, x);
  check(p >= 0 && p <= 1, "binomial_tails: a probability is 0 ... 1; got {}", p);
  if (p == 0) return of_nothing(x);
  if (p == 1) return x == n ? Tails{} : Tails{1, 0, 1, 0};
  const auto ratio = [&](long i) { return double(n - i) / double(i + 1) * p / (1 - p); };
  const double log_at = log_product(x, ratio) + double(n) * std::log1p(-p);
  return tails_from(x, double(n) * p, std::exp(log_at), ratio);
}

namespace {

// The continued fraction of I_x(a, b), which converges fast where x < (a + 1) / (a + b + 2).
double beta_fraction(double x, double a, double b) {
  constexpr double kTiny = 1e-300;
  const auto away_from_0 = [](double v) { return std::abs(v) < kTiny ? kTiny : v; };
  double c = 1, d = 1 / away_from_0(1 - (a + b) * x / (a + 1)), h = d;
  for (int m = 1; m < 100000; ++m) {
    const double k = m, even = k * (b - k) * x / ((a + 2 * k - 1) * (a + 2 * k));
    d = 1 / away_from_0(1 + even * d);
    c = away_from_0(1 + even / c);
    h *= d * c;
    const double odd = -(a + k) * (a + b + k) * x / ((a + 2 * k) * (a + 2 * k + 1));
    d = 1 / away_from_0(1 + odd * d);
    c = away_from_0(1 + odd / c);
    h *= d * c;
    if (std::abs(d * c - 1) < 2 * kEpsilon) break;
  }
  return h;
}

}  // namespace

double beta_below(double x, double a, double b) {
  check(x >= 0 && x <= 1, "beta_below: x is 0 ... 1; got {}", x);
  check(a > 0 && b > 0, "beta_below: a and b are above 0; got {} and {}", a, b);
  if (x == 0 || x == 1) return x;
  const double log_front = std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x);
  if (x < (a + 1) / (a + b + 2)) return std::exp(log_front) * beta_fraction(x, a, b) / a;
  return 1 - std::exp(log_front) * beta_fraction(1 - x, b, a) / b;
}

namespace {

// The x in [low, high] where a rising function reaches `value`, to the last digit.
template <class F>
double halve(double low, double high, double value, F rising) {
  for (;;) {
    const double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) return middle;
    (rising(middle) < value ? low : high) = middle;
  }
}

}  // namespace

double beta_quantile(double share, double a, double b) {
  check(share >= 0 && share <= 1, "beta_quantile: a share is 0 ... 1; got {}", share);
  if (share == 0 || share == 1) return share;
  return halve(0, 1, share, [&](double x) { return beta_below(x, a, b); });
}

double normal_quantile(double share) {
  check(share > 0 && share < 1, "normal_quantile: a share lies between 0 and 1; got {}", share);
  const auto below = [](double x) { return std::erfc(-x / std::sqrt(2.)) / 2; };
  if (share <= 0.5) return halve(-40, 0, share, below);
  return -halve(-40, 0, 1 - share, below);
}

double chi_squared_1_above(double x) {
  check(x >= 0, "chi_squared_1_above: a sum of squares is 0 or more; got {}", x);
  return std::erfc(std::sqrt(x / 2));
}

}  // namespace score
