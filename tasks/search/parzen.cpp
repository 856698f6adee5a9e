// From values that were tried to a mixture of kernels. Read tasks/search/parzen.h first: the formulas.
#include "tasks/search/parzen.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace search {
namespace {

using Kind = Distribution::Kind;

Kernels choice_kernels(const Distribution& d, const std::vector<double>& seen, double prior_weight) {
  const size_t n = seen.size(), K = d.choices.size();
  Kernels kernels;
  kernels.shares.assign(n + 1, std::vector<double>(K, n == 0 ? 1.0 / double(K) : prior_weight / double(n + 1)));
  for (size_t i = 0; i < n; ++i) kernels.shares[i][size_t(seen[i])] += 1;
  for (std::vector<double>& row : kernels.shares) {
    const double sum = std::accumulate(row.begin(), row.end(), 0.0);
    for (double& share : row) share = sum > 0 ? share / sum : 1.0 / double(K);
  }
  return kernels;
}

// Ascending, equal values in the order that numpy's argsort leaves them in (quicksort on the median of three, by
// insertion up to 16 values): which of them gets which gap is Optuna's then, too. Sorts order[first ... last].
void numpy_order(const std::vector<double>& v, std::vector<size_t>& order, long first, long last) {
  while (last - first >= 16) {
    const long middle = first + (last - first) / 2;
    const auto exchange_if = [&](long a, long b) {
      if (v[order[size_t(a)]] < v[order[size_t(b)]]) std::swap(order[size_t(a)], order[size_t(b)]);
    };
    exchange_if(middle, first), exchange_if(last, middle), exchange_if(middle, first);
    const double pivot = v[order[size_t(middle)]];
    long i = first, j = last - 1;
    std::swap(order[size_t(middle)], order[size_t(j)]);
    for (;;) {
      while (v[order[size_t(++i)]] < pivot) {}
      while (pivot < v[order[size_t(--j)]]) {}
      if (i >= j) break;
      std::swap(order[size_t(i)], order[size_t(j)]);
    }
    std::swap(order[size_t(i)], order[size_t(last - 1)]);
    numpy_order(v, order, first, i - 1);
    first = i + 1;
  }
  std::stable_sort(order.begin() + first, order.begin() + std::max(first, last + 1),
                   [&](size_t a, size_t b) { return v[a] < v[b]; });
}

// The larger of the gaps to both neighbours; without `endpoints` the outermost two have the inner gap.    [n] -> [n]
std::vector<double> gaps(const std::vector<double>& mu, double low, double high, bool endpoints) {
  const size_t n = mu.size();
  std::vector<size_t> order(n);
  std::iota(order.begin(), order.end(), size_t(0));
  numpy_order(mu, order, 0, long(n) - 1);
  std::vector<double> sorted{low}, sigma(n);
  for (const size_t i : order) sorted.push_back(mu[i]);
  sorted.push_back(high);
  for (size_t i = 0; i < n; ++i) {
    const double left = sorted[i + 1] - sorted[i], right = sorted[i + 2] - sorted[i + 1];
    double gap = std::max(left, right);
    if (!endpoints && n >= 2 && i == 0) gap = right;
    if (!endpoints && n >= 2 && i == n - 1) gap = left;
    sigma[order[i]] = gap;
  }
  return sigma;
}

Kernels number_kernels(const Distribution& d, const std::vector<double>& seen, long dimensions,
                       const ParzenOptions& o) {
  Kernels k;
  const double half = d.step / 2, n = double(seen.size());
  k.log = d.log;
  k.low = d.log ? std::log(d.low - half) : d.low - half;
  k.high = d.log ? std::log(d.high + half) : d.high + half;
  k.cell = d.step;
  k.unscaled = o.unscaled;
  if (d.step > 0 && !d.log) k.kind = Kernels::Kind::cells;
  if (d.step > 0 && d.log && o.bandwidth == Bandwidth::latest) k.kind = Kernels::Kind::log_cells;
  for (const double x : seen) k.mu.push_back(d.log ? std::log(x) : x);
  const double width = k.high - k.low, middle = (k.low + k.high) / 2;
  if (o.bandwidth == Bandwidth::optuna_3_1 && o.several) {
    k.sigma.assign(seen.size(), 0.2 * std::pow(std::max(n, 1.0), -1.0 / double(dimensions + 4)) * width);
  } else {
    std::vector<double> among = k.mu;
    if (o.bandwidth == Bandwidth::optuna_3_1) among.push_back(middle);
    k.sigma = gaps(among, k.low, k.high, o.endpoints);
    k.sigma.resize(seen.size());
  }
  const double least = o.magic_clip ? width / std::min(100.0, 2 + n) : 1e-12;
  for (double& s : k.sigma) s = std::clamp(s, least, width);
  k.mu.push_back(middle);
  k.sigma.push_back(width);
  return k;
}

Mixture mixture_of(const std::vector<Distribution>& domain, const std::vector<std::vector<double>>& observations,
                   const ParzenOptions& o) {
  std::vector<double> weights = ramp(long(observations.size()));
  weights.push_back(observations.empty() ? 1 : o.prior_weight);
  std::vector<Kernels> kernels;
  for (size_t d = 0; d < domain.size(); ++d) {
    std::vector<double> seen;
    for (const std::vector<double>& x : observations) seen.push_back(x[d]);
    kernels.push_back(domain[d].kind == Kind::choice ? choice_kernels(domain[d], seen, o.prior_weight)
                                                     : number_kernels(domain[d], seen, long(domain.size()), o));
  }
  return Mixture(std::move(weights), std::move(kernels));
}

}  // namespace

std::vector<double> ramp(long n) {
  constexpr long kNewest = 25;
  std::vector<double> weights(size_t(n), 1.0);
  for (long i = 0; i < n - kNewest; ++i) {
    const double first = 1.0 / double(n);
    weights[size_t(i)] = n - kNewest == 1 ? first : first + (1 - first) / double(n - kNewest - 1) * double(i);
  }
  return weights;
}

Parzen::Parzen(std::vector<Distribution> domain, const std::vector<std::vector<double>>& observations,
               const ParzenOptions& options)
    : domain_(std::move(domain)), mixture_(mixture_of(domain_, observations, options)) {}

std::vector<double> Parzen::draw(Draws& draws) const {
  std::vector<double> x = mixture_.draw(draws);
  for (size_t d = 0; d < x.size(); ++d) x[d] = domain_[d].nearest(domain_[d].log ? std::exp(x[d]) : x[d]);
  return x;
}

}  // namespace search
