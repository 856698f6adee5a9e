// Rank sum: whether one sample's values are lower than another's, without asking how they are distributed.
#pragma once

#include <vector>

namespace score {

// Mann, Whitney 1947, of a [n] and b [m], none empty:
//   U = the pairs with a_i > b_j, ties one half;   z = (U - n m / 2) / s,   no z where all values are alike: 0
//   s^2 = n m / 12 ((N + 1) - sum_t (t^3 - t) / (N (N - 1))),   N = n + m, t the sizes of ties
// lower: the p of a being lower than b, one-sided, with 1/2 for continuity towards the middle (scipy's
// mannwhitneyu(a, b, alternative="less", method="asymptotic")).
struct RankSum {
  double u = 0, z = 0, lower = 1;
};
RankSum rank_sum(const std::vector<double>& a, const std::vector<double>& b);

double normal_below(double z);  // Phi(z)

}  // namespace score
