// Intervals: how far a mean over a few runs can be trusted.
#pragma once

#include <vector>

namespace score {

// The mean of a sample and half the width of its 95 % confidence interval, by Student's t with n - 1 degrees of freedom:
// t s / sqrt(n). Of a single number the half width is 0. Error: an empty sample.
struct Interval {
  double mean = 0, half = 0;
};
Interval interval_95(const std::vector<double>& sample);

// The t that a variable of Student's distribution stays within, on either side, with this probability in (0, 1).
double student_t(double within, long degrees_of_freedom);

}  // namespace score
