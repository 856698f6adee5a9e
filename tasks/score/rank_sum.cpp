// The test of Mann and Whitney. Read tasks/score/rank_sum.h first.
#include "tasks/score/rank_sum.h"

#include <cmath>
#include <map>

#include "engine/base.h"
#include "tasks/score/numbers.h"

namespace score {

double normal_below(double z) { return std::erfc(-z / std::sqrt(2.)) / 2; }

RankSum rank_sum(const std::vector<double>& a, const std::vector<double>& b) {
  engine::check(!a.empty() && !b.empty(), "rank_sum: both samples need a value; got {} and {}", a.size(), b.size());
  std::vector<double> all = a;
  all.insert(all.end(), b.begin(), b.end());
  const std::vector<double> ranks = ranks_of(all);
  const double n = double(a.size()), m = double(b.size()), N = n + m;
  RankSum r;
  for (size_t i = 0; i < a.size(); ++i) r.u += ranks[i];
  r.u -= n * (n + 1) / 2;
  std::map<double, double> sizes;
  for (const double x : all) ++sizes[x];
  double ties = 0;
  for (const auto& [value, t] : sizes) ties += t * t * t - t;
  const double s = std::sqrt(n * m / 12 * (N + 1 - ties / (N * (N - 1))));
  if (!(s > 0)) return r;
  r.z = (r.u - n * m / 2) / s;
  r.lower = normal_below((r.u - n * m / 2 + 0.5) / s);
  return r;
}

}  // namespace score
