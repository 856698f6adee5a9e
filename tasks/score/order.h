// Order: what stands first, and where a share ends. Equal values keep the smaller index first, so that a list never
// depends on how it was computed.
#pragma once

#include <vector>

namespace score {

// The indices of all scores, the highest first; of the k highest only, in the time of a partial sort (k > n: all n).
// Error: a score that is not a number.    [n] -> [n], [min(k, n)]
std::vector<int> order_of(const std::vector<double>& scores);
std::vector<int> top(const std::vector<double>& scores, long k);

// The k-th smallest value, k = 1 ... n, in linear time.
double kth_smallest(std::vector<double> values, long k);

}  // namespace score
