// Multiplicity: many tests at once, and how many of their alarms may be false.
#pragma once

#include <vector>

namespace detect {

// Adjusted p-values: reject where they are at most q. p_(1) <= ... <= p_(n), each adjusted value at most 1.
//   bonferroni           n p                                     no false rejection with probability 1 - q
//   holm                 max over j <= i of (n - j + 1) p_(j)    the same, and never weaker (Holm 1979)
//   benjamini_hochberg   min over j >= i of n p_(j) / j          of the rejections of independent tests at most q are
//                                                                false, on the average (1995)
//   benjamini_yekutieli  the same times sum_{j <= n} 1 / j       of any tests (2001)
//   p [n] in [0, 1]  ->  [n], in the order of p
std::vector<double> bonferroni(const std::vector<double>& p);
std::vector<double> holm(const std::vector<double>& p);
std::vector<double> benjamini_hochberg(const std::vector<double>& p);
std::vector<double> benjamini_yekutieli(const std::vector<double>& p);

std::vector<int> rejected(const std::vector<double>& adjusted, double q);  // which are at most q
// The largest p that Benjamini and Hochberg reject at q; NaN: none.
double rejection_threshold(const std::vector<double>& p, double q);

}  // namespace detect
