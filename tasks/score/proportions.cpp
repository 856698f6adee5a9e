// Intervals of shares and tests of paired outcomes. Read tasks/score/distributions.h first; the formulas stand in
// proportions.h.
#include "tasks/score/proportions.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/random.h"
#include "tasks/score/distributions.h"
#include "tasks/score/intervals.h"

namespace score {

using engine::check;

namespace {

void check_share(const char* who, long k, long n, double alpha) {
  check(n > 0 && k >= 0 && k <= n, "{}: 0 ... n of n > 0 texts; got {} of {}", who, k, n);
  check(alpha > 0 && alpha < 1, "{}: alpha lies between 0 and 1; got {}", who, alpha);
}

double z_of(double alpha) { return -normal_quantile(alpha / 2); }

}  // namespace

Bounds wilson(long k, long n, double alpha) {
  check_share("wilson", k, n, alpha);
  const double z = z_of(alpha), m = double(n), p = double(k) / m, whole = 1 + z * z / m;
  const double centre = (p + z * z / (2 * m)) / whole;
  const double half = z * std::sqrt(p * (1 - p) / m + z * z / (4 * m * m)) / whole;
  return {k == 0 ? 0 : centre - half, k == n ? 1 : centre + half};
}

Bounds clopper_pearson(long k, long n, double alpha) {
  check_share("clopper_pearson", k, n, alpha);
  const double a = double(k), b = double(n - k);
  return {k == 0 ? 0 : beta_quantile(alpha / 2, a, b + 1), k == n ? 1 : beta_quantile(1 - alpha / 2, a + 1, b)};
}

Bounds agresti_coull(long k, long n, double alpha) {
  check_share("agresti_coull", k, n, alpha);
  const double z = z_of(alpha), m = double(n) + z * z, p = (double(k) + z * z / 2) / m;
  const double half = z * std::sqrt(p * (1 - p) / m);
  return {std::max(0., p - half), std::min(1., p + half)};
}

Bounds jeffreys(long k, long n, double alpha) {
  check_share("jeffreys", k, n, alpha);
  const double a = double(k) + 0.5, b = double(n - k) + 0.5;
  return {beta_quantile(alpha / 2, a, b), beta_quantile(1 - alpha / 2, a, b)};
}

McNemar mcnemar(long only_first, long only_second) {
  check(only_first >= 0 && only_second >= 0, "mcnemar: counts are 0 or more; got {} and {}", only_first, only_second);
  const long n = only_first + only_second, smaller = std::min(only_first, only_second);
  if (n == 0) return {};
  const Tails tails = binomial_tails(smaller, n, 0.5);
  const double d = double(std::abs(only_first - only_second));
  McNemar m;
  m.exact_p = std::min(1., 2 * tails.lower);
  m.mid_p = only_first == only_second ? 1 - tails.at / 2 : m.exact_p - tails.at;
  m.chi2 = d * d / double(n);
  m.chi2_p = chi_squared_1_above(m.chi2);
  m.corrected = (d - 1) * (d - 1) / double(n);
  m.corrected_p = chi_squared_1_above(m.corrected);
  return m;
}

std::vector<int> resample(long n, uint64_t seed, uint32_t r) {
  check(n > 0 && n < (1L << 31), "resample: of one text at least, and of fewer than 2^31; got {}", n);
  std::vector<uint32_t> words(size_t(n), 0);
  engine::Random{.seed = seed, .stream = engine::Stream::sample, .step = r}.words(0, n, words.data());
  std::vector<int> rows;
  rows.reserve(size_t(n));
  for (const uint32_t word : words) rows.push_back(int(uint64_t(word) * uint64_t(n) >> 32));  // in [0, n)
  return rows;
}

double quantile(std::vector<double> sample, double q) {
  check(!sample.empty(), "quantile: an empty sample has none");
  check(q >= 0 && q <= 1, "quantile: a share is 0 ... 1; got {}", q);
  std::sort(sample.begin(), sample.end());
  const double at = q * double(sample.size() - 1);
  const size_t below = size_t(at), above = std::min(below + 1, sample.size() - 1);
  return sample[below] + (at - double(below)) * (sample[above] - sample[below]);
}

Bootstrap bootstrap_of(double difference, const std::vector<double>& resampled, double alpha) {
  check(!resampled.empty(), "bootstrap_of: one resample at least");
  check(alpha > 0 && alpha < 1, "bootstrap_of: alpha lies between 0 and 1; got {}", alpha);
  const double n = double(resampled.size()), limit = std::abs(difference);
  const double mean = std::accumulate(resampled.begin(), resampled.end(), 0.) / n;
  double not_better = 0, far = 0;
  for (const double d : resampled) {
    not_better += d <= 0;
    far += std::abs(d - mean) >= limit;
  }
  return {difference,
          deviation(resampled),
          not_better / n,
          (far + 1) / (n + 1),
          {quantile(resampled, alpha / 2), quantile(resampled, 1 - alpha / 2)}};
}

Bootstrap paired_bootstrap(const std::vector<double>& a, const std::vector<double>& b,
                           const std::vector<std::vector<int>>& rows, double alpha) {
  check(a.size() == b.size() && !a.empty(), "paired_bootstrap: two scores a text; got {} and {}", a.size(), b.size());
  const auto gain_over = [&](const std::vector<int>& texts) {
    double sum_a = 0, sum_b = 0;
    for (const int i : texts) {
      check(i >= 0 && size_t(i) < a.size(), "paired_bootstrap: texts are 0 ... {}; got {}", a.size() - 1, i);
      sum_a += a[size_t(i)];
      sum_b += b[size_t(i)];
    }
    check(!texts.empty(), "paired_bootstrap: a resample has one text at least");
    return (sum_b - sum_a) / double(texts.size());
  };
  std::vector<int> all(a.size());
  std::iota(all.begin(), all.end(), 0);
  std::vector<double> differences;
  for (const std::vector<int>& texts : rows) differences.push_back(gain_over(texts));
  return bootstrap_of(gain_over(all), differences, alpha);
}

}  // namespace score
