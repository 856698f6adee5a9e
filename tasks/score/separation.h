// Separation: how well one score tells two kinds of texts apart, as questions that belong to a service from others.
#pragma once

#include <vector>

namespace score {

// in: scores of what is in scope, the positive class, which should have the higher ones; out: of the rest. None empty.
//   auroc      the chance that one of in is above one of out, ties one half
//   aupr_in    average precision with in positive; aupr_out with out positive and the scores turned round
//   fpr95      the share of out at or above the highest threshold that keeps at least 95 % of in; `threshold`, `tpr95`:
//              that threshold, and the share that it keeps;   fpr95_out: the same with the roles changed
//   error      min over thresholds of (1 - TPR + FPR) / 2, refusing all included: 1/2 at most
struct Separation {
  double auroc = 0, aupr_in = 0, aupr_out = 0, fpr95 = 0, threshold = 0, tpr95 = 0, fpr95_out = 0, error = 0;
};
Separation separation(const std::vector<double>& in, const std::vector<double>& out);

}  // namespace score
