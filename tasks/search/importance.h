// Importance: how much each parameter had to do with a trial being among the best: PED-ANOVA (Watanabe, Bansal, Hutter
// 2023, "Efficiently Quantifying Hyperparameter Importance in Arbitrary Subspaces").
#pragma once

#include "tasks/search/journal.h"

namespace search {

struct Importance {
  std::string name;
  double divergence = 0;  // as below
  double share = 0;       // of the sum over all parameters
  long trials = 0;        // that had it
};

// Of complete trials that have the parameter, 3 at least, the best tenth (2 at least, and all as good as the last of
// them) against all of them:
//   divergence = q^2 sum_x p(x) (p_top(x) / p(x) - 1)^2,   q = their share, p and p_top on a grid of at most 50 cells
//   kernels of Scott's width: sigma = 1.059 min(IQR / 1.34, deviation) n^(-1/5) cells, 0.5/1.64 at least, and the prior
// Highest first; empty where no parameter has enough trials or none varies.
std::vector<Importance> importances(const std::vector<Trial>& trials, Direction direction);

}  // namespace search
