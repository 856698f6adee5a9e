// Parzen estimators as Optuna's TPE has them (Bergstra, Bardenet, Bengio, Kegl 2011; Watanabe 2023): a kernel at every
// value that was tried and one over the whole domain, the prior.
#pragma once

#include <vector>

#include "tasks/search/mixture.h"
#include "tasks/search/space.h"

namespace search {

// Whose rules of bandwidth: those of 3.1.0 (one parameter at a time: gaps to neighbours, the prior's mean among them;
// several: Scott's), or those of releases after 4.9 (gaps without the prior, each parameter alone; whole numbers on a
// logarithm's scale by the masses of their cells).
enum class Bandwidth { optuna_3_1, latest };

struct ParzenOptions {
  Bandwidth bandwidth = Bandwidth::optuna_3_1;
  bool several = false;  // of a joint estimator
  double prior_weight = 1;
  bool magic_clip = true;  // sigma is not below (high - low) / min(100, 2 + n)
  bool endpoints = false;  // the outermost kernels reach to the bounds
  bool unscaled = false;   // leave 1/sigma out of the density of numbers, as 3.1.0 does
};

// 1 for each of n < 25 observations, in the order of their trials; else the oldest n - 25 rise from 1/n to 1.
std::vector<double> ramp(long n);

// The estimator of D parameters from n observations, all in the order of their trials.    observations [n, D]
//   p(x) = sum_i w_i prod_d k_i(x_d),   w = ramp(n) and the prior's, normalised
//   numbers   z = x, or log x on a logarithm's scale; domain [low, high], with steps [low - step/2, high + step/2]
//             mu_i = z_i,   sigma_i = the larger gap to a neighbour, of several parameters in 3.1.0
//             0.2 n^(-1/(D + 4)) (high - low), clipped;   prior: mu = (low + high) / 2, sigma = high - low
//   choices   share of k is 1/(n + 1) times the prior's weight, 1 more for the one seen, normalised
// 3.1.0 leaves 1/sigma out of the density of numbers, later releases have it.
class Parzen {
 public:
  Parzen(std::vector<Distribution> domain, const std::vector<std::vector<double>>& observations,
         const ParzenOptions& options = {});

  std::vector<double> draw(Draws& draws) const;  // values that can be chosen    [D]
  std::vector<double> log_densities(const std::vector<std::vector<double>>& points) const {
    return mixture_.log_densities(points);
  }
  const Mixture& mixture() const { return mixture_; }

 private:
  std::vector<Distribution> domain_;
  Mixture mixture_;
};

}  // namespace search
