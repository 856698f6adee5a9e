// Student's distribution in closed form. Nothing to read before.
#include "tasks/score/intervals.h"

#include <cmath>
#include <numbers>
#include <numeric>

#include "engine/base.h"

namespace score {

using engine::check;

namespace {

// The probability of |T| < t of n degrees of freedom, with theta = atan(t / sqrt(n)) (Abramowitz, Stegun 1964,
// 26.7.3-4):
//   n odd    2/pi (theta + sin theta (cos theta + 2/3 cos^3 theta + ... + (2 4 ... (n-3)) / (3 5 ... (n-2)) cos^(n-2)
// theta))
//   n even   sin theta (1 + 1/2 cos^2 theta + ... + (1 3 ... (n-3)) / (2 4 ... (n-2)) cos^(n-2) theta)
double probability_within(double theta, long n) {
  const double cosine = std::cos(theta);
  const bool odd = n % 2;
  double term = odd ? cosine : 1, sum = n > 1 ? term : 0;
  for (long k = odd ? 3 : 2; k <= n - 2; k += 2) {
    term *= double(k - 1) / double(k) * cosine * cosine;
    sum += term;
  }
  return odd ? 2 / std::numbers::pi * (theta + std::sin(theta) * sum) : std::sin(theta) * sum;
}

}  // namespace

double student_t(double within, long n) {
  check(within > 0 && within < 1, "student_t: a probability lies between 0 and 1; got {}", within);
  check(n > 0, "student_t: at least one degree of freedom; got {}", n);
  double low = 0, high = std::numbers::pi / 2;  // theta rises with the probability: halve until nothing is between
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (probability_within(middle, n) < within ? low : high) = middle;
  }
  return std::tan((low + high) / 2) * std::sqrt(double(n));
}

namespace {

double variance_of(const std::vector<double>& x) {
  const double mean = mean_of(x);
  double squares = 0;
  for (const double value : x) squares += (value - mean) * (value - mean);
  return squares / double(x.size() - 1);
}

}  // namespace

double mean_of(const std::vector<double>& x) { return std::accumulate(x.begin(), x.end(), 0.) / double(x.size()); }

Interval interval_95(const std::vector<double>& sample) {
  check(!sample.empty(), "interval: an empty sample has no mean");
  const double n = double(sample.size());
  if (sample.size() == 1) return {sample[0], 0};
  return {mean_of(sample), student_t(0.95, long(sample.size()) - 1) * std::sqrt(variance_of(sample) / n)};
}

double deviation(const std::vector<double>& sample) { return sample.size() < 2 ? 0 : std::sqrt(variance_of(sample)); }

Gain gain(const std::vector<double>& before, const std::vector<double>& after) {
  check(before.size() > 1 && after.size() > 1, "gain: a standard error needs two numbers at least; got {} and {}",
        before.size(), after.size());
  return {mean_of(after) - mean_of(before),
          std::sqrt(variance_of(before) / double(before.size()) + variance_of(after) / double(after.size()))};
}

}  // namespace score
