// Means and deviations over windows before a value. Read tasks/score/distributions.h first; the formulas stand in
// baseline.h.
#include "tasks/detect/baseline.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "engine/base.h"
#include "tasks/score/intervals.h"

namespace detect {

using engine::check;

namespace {
constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();
constexpr long kWindow = 7;
}  // namespace

Ordinary ordinary_of(const std::vector<double>& values, double least) {
  check(values.size() > 1, "ordinary_of: a deviation needs two values at least; got {}", values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.) / double(values.size());
  return {mean, std::max(least, score::deviation(values))};
}

namespace {

// What is ordinary at t from the seven values that end `gap` before it.
Ordinary before(const std::vector<double>& counts, long t, long gap, double least) {
  const auto end = counts.begin() + (t - gap + 1);
  return ordinary_of({end - kWindow, end}, least);
}

// (x_t - mean) / sd of the seven values that end `gap` before t, for all t.
std::vector<double> standardised(const std::vector<double>& counts, long gap, double least) {
  std::vector<double> c(counts.size(), kUndefined);
  for (long t = kWindow + gap - 1; t < long(counts.size()); ++t) {
    const Ordinary o = before(counts, t, gap, least);
    c[size_t(t)] = (counts[size_t(t)] - o.mean) / o.deviation;
  }
  return c;
}

double excess(double c2) { return std::isnan(c2) ? c2 : std::max(0., c2 - 1); }

}  // namespace

Ears ears(const std::vector<double>& counts, double least_deviation) {
  check(least_deviation >= 0, "ears: the least deviation is 0 or more; got {}", least_deviation);
  Ears e{standardised(counts, 1, least_deviation), standardised(counts, 3, least_deviation), {}};
  for (size_t t = 0; t < counts.size(); ++t)
    e.c3.push_back(t < 2 ? kUndefined : excess(e.c2[t]) + excess(e.c2[t - 1]) + excess(e.c2[t - 2]));
  return e;
}

EarsBounds ears_bounds(const std::vector<double>& counts, double alpha) {
  const double z = -score::normal_quantile(alpha);
  const std::vector<double> c2 = standardised(counts, 3, 0), none(counts.size(), kUndefined);
  EarsBounds b{none, none, none};
  for (long t = kWindow; t < long(counts.size()); ++t) {
    const Ordinary o = before(counts, t, 1, 0);
    b.c1[size_t(t)] = o.mean + z * o.deviation;
    if (t < kWindow + 2) continue;
    const Ordinary gapped = before(counts, t, 3, 0);
    b.c2[size_t(t)] = gapped.mean + z * gapped.deviation;
    const double seen = excess(c2[size_t(t - 1)]) + excess(c2[size_t(t - 2)]);
    const double c3 = counts[size_t(t)] + gapped.deviation * (z - seen);
    b.c3[size_t(t)] = std::isnan(c3) ? c3 : std::max(0., c3);
  }
  return b;
}

double upper_tail(long x, double mean, double variance) {
  if (!(variance > mean)) return score::poisson_tails(x, mean).upper;
  return score::negative_binomial_tails(x, mean, mean * mean / (variance - mean)).upper;
}

Weekday by_weekday(const std::vector<long>& counts, int weeks, double least, int days) {
  check(weeks > 1 && days > 0, "by_weekday: two weeks at least, of a day or more; got {} and {}", weeks, days);
  const std::vector<double> none(counts.size(), kUndefined);
  Weekday w{none, none, none, none};
  for (size_t t = size_t(weeks) * size_t(days); t < counts.size(); ++t) {
    std::vector<double> same;
    for (int week = 1; week <= weeks; ++week) same.push_back(double(counts[t - size_t(week) * size_t(days)]));
    const Ordinary o = ordinary_of(same);
    w.mean[t] = std::max(least, o.mean);
    w.variance[t] = o.deviation * o.deviation;
    w.poisson[t] = score::poisson_tails(counts[t], w.mean[t]).upper;
    w.negative_binomial[t] = upper_tail(counts[t], w.mean[t], w.variance[t]);
  }
  return w;
}

std::vector<double> weekday_factors(const std::vector<double>& counts, long train, int first, int days, double least) {
  check(days > 0 && train >= days && train <= long(counts.size()),
        "weekday_factors: every weekday among the first {} of {} counts", train, counts.size());
  std::vector<double> sums(size_t(days), 0), n(size_t(days), 0);
  double sum = 0;
  for (long t = 0; t < train; ++t) {
    const size_t day = size_t((t + first) % days);
    sums[day] += counts[size_t(t)];
    ++n[day];
    sum += counts[size_t(t)];
  }
  check(sum > 0, "weekday_factors: counts that are all 0 have no weekdays");
  std::vector<double> factors;
  for (size_t day = 0; day < sums.size(); ++day)
    factors.push_back(std::max(least, sums[day] / n[day] / (sum / double(train))));
  return factors;
}

score::Tails predictive_tails(long x, long sum, long bins) {
  check(bins > 0 && sum >= 0, "predictive_tails: a bin at least, and a sum of 0 or more; got {} and {}", bins, sum);
  const double size = double(sum) + 0.5;
  return score::negative_binomial_tails(x, size / double(bins), size);
}

}  // namespace detect
