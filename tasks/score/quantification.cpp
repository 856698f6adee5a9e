// A small linear system, and a projection. The formulas stand in quantification.h.
#include "tasks/score/quantification.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "engine/base.h"

namespace score {

using engine::check;

std::vector<double> on_simplex(std::vector<double> x, double sum) {
  check(!x.empty() && sum >= 0, "on_simplex: entries, and a sum of 0 or more; got {} and {}", x.size(), sum);
  std::vector<double> falling = x;
  std::sort(falling.begin(), falling.end(), std::greater<>());
  double above = 0, shift = 0;
  for (size_t i = 0; i < falling.size(); ++i) {
    above += falling[i];
    const double candidate = (above - sum) / double(i + 1);
    if (i == 0 || falling[i] > candidate) shift = candidate;
  }
  for (double& entry : x) entry = std::max(0., entry - shift);
  return x;
}

namespace {

// a x = b, a [n, n] row by row, by elimination with the largest pivot; false where a pivot is next to nothing.
bool solve(std::vector<double> a, std::vector<double>& b) {
  const size_t n = b.size();
  const auto at = [&](size_t r, size_t c) -> double& { return a[r * n + c]; };
  for (size_t i = 0; i < n; ++i) {
    size_t pivot = i;
    for (size_t r = i + 1; r < n; ++r)
      if (std::abs(at(r, i)) > std::abs(at(pivot, i))) pivot = r;
    if (std::abs(at(pivot, i)) < 0.05) return false;  // the errors of the counts would come out twenty times as large
    if (pivot != i) std::swap_ranges(&at(i, 0), &at(i, 0) + n, &at(pivot, 0));
    std::swap(b[i], b[pivot]);
    for (size_t r = 0; r < n; ++r) {
      if (r == i || at(r, i) == 0) continue;
      const double f = at(r, i) / at(i, i);
      for (size_t c = i; c < n; ++c) at(r, c) -= f * at(i, c);
      b[r] -= f * b[i];
    }
  }
  for (size_t i = 0; i < n; ++i) b[i] /= at(i, i);
  return true;
}

}  // namespace

std::vector<double> corrected(const std::vector<std::vector<double>>& confusion, const std::vector<double>& said) {
  const size_t K = said.size();
  check(confusion.size() == K, "corrected: a row of the confusion for each of {} classes; got {}", K, confusion.size());
  const double sum = std::accumulate(said.begin(), said.end(), 0.);
  std::vector<double> transposed(K * K);  // [K, K]
  for (size_t j = 0; j < K; ++j) {
    check(confusion[j].size() == K, "corrected: {} columns; got {}", K, confusion[j].size());
    const double row = std::accumulate(confusion[j].begin(), confusion[j].end(), 0.);
    for (size_t k = 0; k < K; ++k) transposed[k * K + j] = row > 0 ? confusion[j][k] / row : double(j == k);
  }
  std::vector<double> x = said;
  if (!solve(transposed, x)) return said;
  return on_simplex(x, sum);
}

}  // namespace score
