// PED-ANOVA. Read tasks/search/importance.h first, and tasks/search/mixture.h: the estimator's form.
#include "tasks/search/importance.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tasks/search/mixture.h"

namespace search {
namespace {

using Kind = Distribution::Kind;

constexpr double kTop = 0.1;
constexpr size_t kLeastTop = 2;
constexpr long kCells = 50;

// How many trials lie in each cell of a grid over the domain: that of the first grid point which is not below the value
// less half a cell.
std::vector<double> counts_of(const Distribution& d, const std::vector<double>& values) {
  if (d.kind == Kind::choice) {
    std::vector<double> counts(d.choices.size());
    for (const double x : values) ++counts[size_t(x)];
    return counts;
  }
  long cells = kCells;
  if (d.kind == Kind::whole && d.log)
    cells = std::min(cells, long(std::ceil(std::log(d.high - d.low + 1) / std::log(2))) + 1);
  else if (d.step > 0)
    cells = std::min(cells, std::lround((d.high - d.low) / d.step) + 1);
  const auto scaled = [&](double x) { return d.log ? std::log(x) : x; };
  const double low = scaled(d.low), width = (scaled(d.high) - low) / double(cells - 1);
  std::vector<double> grid, counts(static_cast<size_t>(cells));
  for (long i = 0; i < cells; ++i) grid.push_back(i + 1 == cells ? scaled(d.high) : low + double(i) * width);
  const double half = (grid[1] - grid[0]) / 2;
  for (const double x : values) {
    const auto at = std::lower_bound(grid.begin(), grid.end(), scaled(x) - half) - grid.begin();
    ++counts[size_t(std::min(long(at), cells - 1))];
  }
  return counts;
}

// The place in `among` where the running count passes `n` (or first reaches it: `from_left`).
size_t quantile_place(const std::vector<double>& among, double n, bool from_left) {
  double sum = 0;
  size_t i = 0;
  for (; i < among.size(); ++i) {
    sum += among[i];
    if (from_left ? sum >= n : sum > n) break;
  }
  return std::min(i, among.size() - 1);
}

Kernels number_kernels(const std::vector<double>& cells, const std::vector<double>& counts, double top) {
  const double n = std::accumulate(counts.begin(), counts.end(), 0.0);
  double mean = 0, squares = 0;
  for (size_t i = 0; i < cells.size(); ++i) mean += cells[i] * counts[i] / n;
  for (size_t i = 0; i < cells.size(); ++i) squares += (cells[i] - mean) * (cells[i] - mean) * counts[i];
  const double deviation = std::sqrt(squares / std::max(1.0, n - 1));
  const double range = cells[quantile_place(counts, std::floor(n * 3 / 4), false)] -
                       cells[quantile_place(counts, std::floor(n / 4), true)];
  const double sigma = 1.059 * std::min(range / 1.34, deviation) * std::pow(n, -0.2);
  Kernels k{.kind = Kernels::Kind::cells, .low = -0.5, .high = top + 0.5, .cell = 1, .mu = cells};
  k.sigma.assign(cells.size(), std::max(sigma, 0.5 / 1.64));
  k.mu.push_back(top / 2);
  k.sigma.push_back(top + 1);
  return k;
}

// p(x) in every cell.
std::vector<double> density_of(const Distribution& d, const std::vector<double>& counts) {
  std::vector<double> cells, weights;
  std::vector<std::vector<double>> all;
  for (size_t i = 0; i < counts.size(); ++i) {
    all.push_back({double(i)});
    if (counts[i] == 0) continue;
    cells.push_back(double(i));
    weights.push_back(counts[i]);
  }
  Kernels kernels;
  if (d.kind == Kind::choice) {
    const double K = double(counts.size()), prior = 1.0 / double(cells.size() + 1);
    kernels.shares.assign(cells.size() + 1, std::vector<double>(counts.size(), prior / (K * prior + 1)));
    for (size_t i = 0; i < cells.size(); ++i) kernels.shares[i][size_t(cells[i])] = (prior + 1) / (K * prior + 1);
    kernels.shares.back().assign(counts.size(), 1 / K);
  } else {
    kernels = number_kernels(cells, weights, double(counts.size()) - 1);
  }
  weights.push_back(1);
  std::vector<double> p = Mixture(std::move(weights), {std::move(kernels)}).log_densities(all);
  for (double& x : p) x = std::exp(x) + 1e-12;
  return p;
}

double divergence(const Distribution& d, const std::vector<const Trial*>& trials, const std::string& name,
                  double sign) {
  std::vector<double> losses, all, top;
  for (const Trial* t : trials) losses.push_back(sign * *t->value);
  std::vector<double> sorted = losses;
  std::sort(sorted.begin(), sorted.end());
  const size_t tenth = size_t(std::max(1.0, std::ceil(kTop * double(sorted.size()))));
  const double last = sorted[std::max(tenth, kLeastTop) - 1];
  for (size_t i = 0; i < trials.size(); ++i) {
    all.push_back(trials[i]->values.at(name));
    if (losses[i] <= last) top.push_back(all.back());
  }
  const std::vector<double> p = density_of(d, counts_of(d, all)), p_top = density_of(d, counts_of(d, top));
  double sum = 0;
  for (size_t x = 0; x < p.size(); ++x) sum += p[x] * (p_top[x] / p[x] - 1) * (p_top[x] / p[x] - 1);
  const double q = double(top.size()) / double(all.size());
  return q * q * sum;
}

}  // namespace

std::vector<Importance> importances(const std::vector<Trial>& trials, Direction direction) {
  std::map<std::string, std::vector<const Trial*>> having;
  for (const Trial& t : trials)
    if (t.state == State::complete && t.value && !std::isnan(*t.value))
      for (const auto& [name, value] : t.values) having[name].push_back(&t);
  std::vector<Importance> all;
  double sum = 0;
  for (const auto& [name, those] : having) {
    const Distribution& d = those.back()->domain.at(name);
    std::vector<const Trial*> within;  // bounds may have changed on the way
    for (const Trial* t : those)
      if (d.contains(t->values.at(name))) within.push_back(t);
    if (d.single() || within.size() <= kLeastTop) continue;
    all.push_back({.name = name,
                   .divergence = divergence(d, within, name, direction == Direction::maximize ? -1 : 1),
                   .trials = long(within.size())});
    sum += all.back().divergence;
  }
  for (Importance& i : all) i.share = sum > 0 ? i.divergence / sum : 1.0 / double(all.size());
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.divergence > b.divergence; });
  return all;
}

}  // namespace search
