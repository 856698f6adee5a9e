// Hard negatives: of what a first ranking puts near a query, what is wrong all the same.
#pragma once

#include <vector>

namespace score {

// The n best of the candidates that are `wrong`, among those that score above 0 and at most (1 - margin) own: what lies
// as near as the right one may well be right, too, and unmarked (sentence-transformers' relative_margin). Fewer where
// there are no more.    scores [N], wrong [N], own: the right candidate's score -> indices, the best first
std::vector<int> hard_negatives(std::vector<double> scores, const std::vector<bool>& wrong, double own, long n,
                                double margin = 0.05);

}  // namespace score
