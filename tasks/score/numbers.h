// Metrics of predicted numbers. What is undefined is 0, as in metrics.h.
#pragma once

#include <vector>

namespace score {

double mean_squared_error(const std::vector<double>& y_true, const std::vector<double>& y_pred);
double mean_absolute_error(const std::vector<double>& y_true, const std::vector<double>& y_pred);
double pearson(const std::vector<double>& x, const std::vector<double>& y);   // correlation of the numbers
double spearman(const std::vector<double>& x, const std::vector<double>& y);  // of their ranks

// The rank of every number among all, from 1, ties sharing the mean of their ranks.    [n] -> [n]
std::vector<double> ranks_of(const std::vector<double>& x);

}  // namespace score
