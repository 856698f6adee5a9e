// Intervals: how far a mean over a few runs can be trusted.
#pragma once

#include <vector>

namespace score {

double mean_of(const std::vector<double>& x);  // of one number at least

// The mean of a sample and half the width of its 95 % confidence interval, by Student's t with n - 1 degrees of
// freedom: t s / sqrt(n). Of a single number the half width is 0. Error: an empty sample.
struct Interval {
  double mean = 0, half = 0;
};
Interval interval_95(const std::vector<double>& sample);

// The standard deviation of a sample, over n - 1; of a single number 0.
double deviation(const std::vector<double>& sample);

// The difference of the means of two samples, and its standard error (Welch 1947):
//   se = sqrt(s_1^2 / n_1 + s_2^2 / n_2),   s^2 the sample's variance, over n - 1       Error: fewer than two in one
struct Gain {
  double mean = 0, error = 0;
  bool shown() const { return mean >= 2 * error && mean > 0; }
};
Gain gain(const std::vector<double>& before, const std::vector<double>& after);

// The t that a variable of Student's distribution stays within, on either side, with this probability in (0, 1).
double student_t(double within, long degrees_of_freedom);

}  // namespace score
