// Pruners: when a trial is not worth going on with, by what it has reported and what others had reported by then. The
// rules are those of Optuna (optuna/pruners), decision for decision.
#pragma once

#include "tasks/search/journal.h"

namespace search {

struct PrunerOptions {
  std::string name = "none";  // none, median, percentile, halving, hyperband
  // median is percentile 50: prune where the best report so far is behind that percentile of what the complete trials
  // reported at this step
  double percentile = 50;
  long startup = 5;     // complete trials before anything is pruned
  long warmup = 0;      // steps of a trial before it is
  long interval = 1;    // steps between two decisions
  long min_trials = 1;  // that have a report at this step
  // halving (ASHA: Li et al. 2020): at step min factor^(rate + r), rung r, a trial goes on if it is among the best
  // 1/factor of all that came there; hyperband (Li et al. 2018): several of these, with rates 0, 1, ...
  long min = 0;     // steps before the first decision; 0: a hundredth of those of the first complete trial, 1 at least
  long max = 0;     // of hyperband: the steps of a trial; 0: 1 more than the last of the first complete trial
  long factor = 4;  // hyperband's own default is 3
  long rate = 0;
  long bootstrap = 0;  // so many have to come to a rung before one goes on

  void require_valid(const std::string& who) const;
};

struct Decision {
  bool prune = false;
  std::vector<std::pair<std::string, double>> rungs = {};  // system attributes to be kept: "completed_rung_0", value
};

class Pruner {
 public:
  Pruner(PrunerOptions options, Direction direction, std::string study);

  // After a report of `trial`, which is among `trials`. Its rungs after the report before are decided anew.
  Decision decide(const std::vector<Trial>& trials, const Trial& trial) const;

  // Hyperband's bracket of a trial: the crc32 of "STUDY_NUMBER" modulo all budgets; 0 of another pruner, and while
  // there is no complete trial to tell the steps.
  long bracket(const std::vector<Trial>& trials, long number) const;
  std::vector<long> budgets(const std::vector<Trial>& trials) const;

 private:
  Decision percentile(const std::vector<Trial>& trials, const Trial& trial) const;
  Decision halving(const std::vector<Trial>& trials, const Trial& trial, long min, long rate, long bracket) const;

  PrunerOptions o_;
  Direction direction_;
  std::string study_;
};

// The value below which `percent` of the values lie, between two of them in proportion; those that are no numbers do
// not count, and without any it is none.
double percentile_of(std::vector<double> values, double percent);

}  // namespace search
