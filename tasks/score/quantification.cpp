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

// a x = b by elimination with the largest pivot, a [n, n] row by row; false where a pivot is next to nothing.
bool solve(std::vector<double> a, std::vector<double>& b) {
  const size_t n = b.size();
  for (size_t i = 0; i < n; ++i) {
    size_t pivot = i;
    for (size_t r = i + 1; r < n; ++r)
      if (std::abs(a[r * n + i]) > std::abs(a[pivot * n + i])) pivot = r;
    if (std::abs(a[pivot * n + i]) < 0.05) return false;  // the errors of the counts would come out twenty times larger
    for (size_t c = 0; c < n; ++c) std::swap(a[i * n + c], a[pivot * n + c]);
    std::swap(b[i], b[pivot]);
    for (size_t r = 0; r < n; ++r) {
      const double f = r == i ? 0 : a[r * n + i] / a[i * n + i];
      for (size_t c = i; f != 0 && c < n; ++c) a[r * n + c] -= f * a[i * n + c];
      b[r] -= f * b[i];
    }
  }
  for (size_t i = 0; i < n; ++i) b[i] /= a[i * n + i];
  return true;
}

}  // namespace

std::vector<double> corrected(const std::vector<std::vector<double>>& confusion, const std::vector<double>& said) {
  const size_t K = said.size();
  check(confusion.size() == K, "corrected: a row of the confusion for each of {} classes; got {}", K, confusion.size());
  const double sum = std::accumulate(said.begin(), said.end(), 0.);
  std::vector<double> transposed(K * K, 0);
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
