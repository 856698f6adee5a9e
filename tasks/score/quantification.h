// Quantification: how many texts of each class there are, when the one who counts confuses classes in a known way.
#pragma once

#include <vector>

namespace score {

// The true shares behind what was said, by the confusion that was measured on labelled texts (Forman 2008):
//   said = M^T true,   M [K, K] row-normalised, M_jk: the share of class j that is said to be k
//   true = the point of the simplex nearest to M^-T said
// A row of zeros, a class that was not there to be measured, is taken as never confused. Where M cannot be inverted
// the shares stay as they were said.   confusion [K][K] counts, said [K] of 0 or more  ->  [K], with the sum of `said`
std::vector<double> corrected(const std::vector<std::vector<double>>& confusion, const std::vector<double>& said);

// The nearest point with entries of 0 or more and this sum (Duchi et al. 2008).
std::vector<double> on_simplex(std::vector<double> x, double sum = 1);

}  // namespace score
