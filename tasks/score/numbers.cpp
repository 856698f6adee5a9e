// Errors and correlations, each by its definition. Read tasks/score/counts.h first.
#include "tasks/score/numbers.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tasks/score/counts.h"

namespace score {
namespace {

// Their mean need not be their value to the last digit, so that no distance from it is 0.
bool all_equal(const std::vector<double>& x) {
  return std::all_of(x.begin(), x.end(), [&](double value) { return value == x[0]; });
}

double mean(const std::vector<double>& x) { return std::accumulate(x.begin(), x.end(), 0.) / double(x.size()); }

}  // namespace

std::vector<double> ranks_of(const std::vector<double>& x) {
  std::vector<size_t> order(x.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return x[a] < x[b]; });
  std::vector<double> rank(x.size());
  for (size_t start = 0, end = 0; start < order.size(); start = end) {
    while (end < order.size() && x[order[end]] == x[order[start]]) ++end;
    for (size_t i = start; i < end; ++i) rank[order[i]] = double(start + 1 + end) / 2;
  }
  return rank;
}

double mean_squared_error(const std::vector<double>& y_true, const std::vector<double>& y_pred) {
  check_pairs("mean_squared_error", y_true, y_pred);
  double sum = 0;
  for (size_t i = 0; i < y_true.size(); ++i) sum += (y_true[i] - y_pred[i]) * (y_true[i] - y_pred[i]);
  return sum / double(y_true.size());
}

double mean_absolute_error(const std::vector<double>& y_true, const std::vector<double>& y_pred) {
  check_pairs("mean_absolute_error", y_true, y_pred);
  double sum = 0;
  for (size_t i = 0; i < y_true.size(); ++i) sum += std::abs(y_true[i] - y_pred[i]);
  return sum / double(y_true.size());
}

// sum (x - mean x) (y - mean y) / sqrt(sum (x - mean x)^2  sum (y - mean y)^2)
double pearson(const std::vector<double>& x, const std::vector<double>& y) {
  check_pairs("pearson", x, y);
  if (all_equal(x) || all_equal(y)) return 0;
  const double mx = mean(x), my = mean(y);
  double xy = 0, xx = 0, yy = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - mx) * (y[i] - my);
    xx += (x[i] - mx) * (x[i] - mx);
    yy += (y[i] - my) * (y[i] - my);
  }
  return ratio(xy, std::sqrt(xx) * std::sqrt(yy));
}

double spearman(const std::vector<double>& x, const std::vector<double>& y) {
  check_pairs("spearman", x, y);
  return pearson(ranks_of(x), ranks_of(y));
}

}  // namespace score
