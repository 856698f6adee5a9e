// Uncertainty and greedy choice. The formulas stand in selection.h.
#include "tasks/score/selection.h"

#include <algorithm>
#include <cmath>

#include "engine/base.h"
#include "tasks/score/confidence.h"

namespace score {

using engine::check;

double margin_uncertainty(const std::vector<double>& p) {
  check(p.size() > 1, "uncertainty: more than one class; got {}", p.size());
  return 1 - margin(p);
}

double entropy_uncertainty(const std::vector<double>& p) {
  check(p.size() > 1, "uncertainty: more than one class; got {}", p.size());
  return -negative_entropy(p) / std::log(double(p.size()));
}

std::vector<long> choose(const std::vector<double>& uncertainty, const std::vector<float>& vectors, long most,
                         double diversity) {
  const long n = long(uncertainty.size()), C = n ? long(vectors.size()) / n : 0;
  check(C * n == long(vectors.size()), "choose: vectors of one width; got {} numbers for {} texts", vectors.size(), n);
  check(diversity >= 0 && diversity <= 1, "choose: diversity is between 0 and 1; got {}", diversity);
  std::vector<double> weight(size_t(n), 0), nearest(size_t(n), 1);  // nearest: the square of d_i
  for (long i = 0; i < n; ++i) weight[size_t(i)] = std::pow(uncertainty[size_t(i)], 1 - diversity);
  std::vector<bool> taken(size_t(n), false);
  std::vector<long> chosen;
  while (long(chosen.size()) < std::min(n, most)) {
    long best = -1;
    double highest = -1;
    for (long i = 0; i < n; ++i) {
      if (taken[size_t(i)]) continue;
      const double score =
          chosen.empty() ? uncertainty[size_t(i)] : weight[size_t(i)] * std::pow(nearest[size_t(i)], diversity / 2);
      if (score > highest) highest = score, best = i;
    }
    const bool first = chosen.empty();
    chosen.push_back(best);
    taken[size_t(best)] = true;
    if (diversity == 0) continue;
    for (long i = 0; i < n; ++i) {
      double square = 0;
      for (long c = 0; c < C; ++c) {
        const double d = double(vectors[size_t(i * C + c)]) - double(vectors[size_t(best * C + c)]);
        square += d * d;
      }
      nearest[size_t(i)] = first ? square : std::min(nearest[size_t(i)], square);
    }
  }
  return chosen;
}

}  // namespace score
