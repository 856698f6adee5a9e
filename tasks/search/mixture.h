// Mixture: a weighted sum of products of simple distributions, one for each parameter: normals that are cut off at the
// bounds, or shares of choices. Densities of it, and draws. Read tasks/search/parzen.h next: where it comes from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace search {

// Numbers in (0, 1) that depend on (seed, trial, purpose) only: a search that is continued draws what it would have
// drawn. Philox, 53 bits a number (engine/random.h).
class Draws {
 public:
  Draws(uint64_t seed, long trial, uint64_t purpose, long attempt = 0);
  double next();

 private:
  uint64_t seed_, at_;
  uint32_t trial_, purpose_;
};

double log_phi(double x);                 // log of the standard normal's share below x, also far out in the tail
double log_mass(double from, double to);  // log(Phi(to) - Phi(from)), from < to

// One parameter in every component, C of them: normals of mean mu and deviation sigma within [low, high], or choices.
struct Kernels {
  enum class Kind {
    density,   // of x, or of log x where `log`
    cells,     // mass of [x - cell/2, x + cell/2] among that of [low, high]
    log_cells  // the same of [log(x - cell/2), log(x + cell/2)]
  };
  Kind kind = Kind::density;
  bool log = false;       // mu, sigma, low and high are of log x
  bool unscaled = false;  // without 1 / sigma in the density: wide components weigh more than they should
  double low = 0, high = 1, cell = 0;
  std::vector<double> mu = {}, sigma = {};       // [C]
  std::vector<std::vector<double>> shares = {};  // [C, K] instead: of choices

  bool of_choices() const { return !shares.empty(); }
};

// p(x) = sum_c w_c prod_d p_cd(x_d),   p_cd a truncated normal, of a number:
//   density     N(z; mu, sigma) / (Phi(b) - Phi(a)),   z = x or log x,   a, b = low, high, each less mu, by sigma
//   cells       (Phi(v) - Phi(u)) / (Phi(b) - Phi(a)),   u, v the cell's ends, likewise scaled
// or the share of a choice.
class Mixture {
 public:
  Mixture(std::vector<double> weights,
          std::vector<Kernels> kernels);  // weights [C] of any sum; one Kernels a parameter

  double log_density(const std::vector<double>& x) const;                                   // x [D]
  std::vector<double> log_densities(const std::vector<std::vector<double>>& points) const;  // [P, D] -> [P]
  // A component by its weight, then every parameter of it: of numbers z, before any rounding.    [D]
  std::vector<double> draw(Draws& draws) const;

  const std::vector<double>& weights() const { return weights_; }
  const Kernels& kernels(std::size_t d) const { return kernels_[d]; }

 private:
  void add_log_densities(std::size_t d, double x, std::vector<double>& to) const;

  std::vector<double> weights_;                // [C], of sum 1
  std::vector<Kernels> kernels_;               // [D]
  std::vector<std::vector<double>> log_norm_;  // [D, C]: what every density of a component has in it
};

}  // namespace search
