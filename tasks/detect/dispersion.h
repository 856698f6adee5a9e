// Dispersion: how far counts scatter about their means, learned from how well each guess has foretold them so far.
#pragma once

#include <vector>

#include "tasks/score/distributions.h"

namespace detect {

// A guess h says: the variance of a count of mean m is  m (1 + over_h) + m^2 inverse_size_h,  negative binomial. The
// weight of a guess is its likelihood over all counts that were learned, each with the mean that was foretold for it
// before it was seen, so that the errors of the forecasts are part of what is learned:
//   log w_h  =  d log w_h + weight log P_h(x | m),      d: of what is old a little is forgotten with every count
//   tails    =  sum_h w_h tails of h                  the predictive distribution, as wide as the doubt that is left
class Dispersion {
 public:
  // `half_life`: the number of counts, of weight 1, after which one counts half; of a third of all there were while
  // there are few: what was foretold badly, before the season was known, is soon forgotten.
  explicit Dispersion(double half_life = 4368);

  void learn(long x, double mean, double weight = 1);
  score::Tails tails(long x, double mean) const;
  double variance(double mean) const;     // sum_h w_h variance of h
  double log_of_zero(double mean) const;  // log P(X = 0)

  std::vector<double> state() const;
  void restore(const std::vector<double>& state);  // Error: not as many as there are guesses

 private:
  double half_life_, seen_ = 0;
  std::vector<double> log_weights_;  // the largest is 0
};

// log P(X = x) of a negative binomial; a variance that is not above the mean: Poisson.      mean > 0, x >= 0
double log_probability(long x, double mean, double variance);

}  // namespace detect
