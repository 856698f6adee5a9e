// Baselines: what is ordinary for a count, from the days before.
#pragma once

#include <vector>

#include "tasks/detect/charts.h"
#include "tasks/score/distributions.h"

namespace detect {

// The mean and the standard deviation, over n - 1, of n > 1 values; the deviation at least `least`.
Ordinary ordinary_of(const std::vector<double>& values, double least = 0);

// EARS (Hutwagner et al. 2003), over seven values each, sd over 6 and at least `least_deviation`; NaN where there are
// too few values before t:
//   C1_t  (x_t - mean) / sd of t - 7 ... t - 1        C2_t  the same of t - 9 ... t - 3: a rise does not hide itself
//   C3_t  sum over t - 2, t - 1, t of max(0, C2 - 1)
// Usual alarms: C1 > 3, C2 > 3, C3 > 2. A deviation of 0 leaves C1 and C2 undefined where x is the mean, else infinite.
struct Ears {
  std::vector<double> c1, c2, c3;  // [n] each
};
Ears ears(const std::vector<double>& counts, double least_deviation = 0.5);

// The bounds above which R's surveillance alarms (earsC 1.20), without a least deviation, z = Phi^-1(1 - alpha):
//   C1, C2  mean + z sd       C3  max(0, x_t + sd (z - sum over t - 1, t - 2 of max(0, C2 - 1))), sd that of C2
// The bound of C3 has the observed value where the method has the mean: so it is there. NaN where there are too few
// values, and where C2 is undefined.
struct EarsBounds {
  std::vector<double> c1, c2, c3;
};
EarsBounds ears_bounds(const std::vector<double>& counts, double alpha);

// A count against the same weekday in the last `weeks` weeks, more than one: their mean, at least `least`, and variance
// s^2, over weeks - 1. NaN in the first weeks.    upper: P(X >= x)
//   poisson             with the mean
//   negative_binomial   with the mean and the size mean^2 / (s^2 - mean) where s^2 > mean; else Poisson
struct Weekday {
  std::vector<double> mean, variance, poisson, negative_binomial;  // [n] each
};
Weekday by_weekday(const std::vector<long>& counts, int weeks = 4, double least = 0.5, int days = 7);
double upper_tail(long x, double mean, double variance);  // that last rule

// Of the first `train` counts, the first on weekday `first`: how much each weekday has over the mean of all, at least
// `least`. Counts are comparable once divided by theirs. Error: a weekday that does not occur, counts that are all 0.
std::vector<double> weekday_factors(const std::vector<double>& counts, long train, int first = 0, int days = 7,
                                    double least = 0.05);

// What comes next, if a rate of prior Gamma(1/2, 0) was seen in n bins with the sum S: negative binomial of mean
// (S + 1/2) / n and size S + 1/2, so that a short baseline is trusted less.
score::Tails predictive_tails(long x, long sum, long bins);

}  // namespace detect
