// Weighting: how the losses of several tasks become one step. Whatever the method, it ends in one coefficient a task:
// the step follows sum_i c_i grad L_i. The formulas and their papers stand in optim/several/weighting_rules.h.
#pragma once

#include <limits>

#include "engine/graph.h"
#include "optim/several/auto_lambda.h"

namespace optim {

enum class WeightingKind {
  equal,
  fixed,
  uncertainty,
  random,
  dwa,
  gls,
  gradnorm,
  pcgrad,
  mgda,
  cagrad,
  famo,
  imtl_l,
  stch,
  auto_lambda
};
WeightingKind weighting_kind(const std::string& name);
const std::vector<std::string>& weighting_names();  // "equal", ..., "auto-lambda": in the order of the kinds

// Whether the Gram matrix of the tasks' gradients on the shared parameters is asked for.
bool needs_gradients(WeightingKind kind);
// Whether the coefficients are for the shared parameters alone; then what belongs to one task follows its own gradient.
bool only_shared(WeightingKind kind);
// Whether every task must have examples in every step.
bool needs_all_tasks(WeightingKind kind);

struct WeightingOptions {
  WeightingKind kind = WeightingKind::equal;
  std::vector<double> fixed = {};  // [T], of `fixed` only
  double dwa_temperature = 2;
  double gradnorm_alpha = 1.5;  // how strongly a slow task is pulled forward; 0: equal norms
  double cagrad_c = 0.5;        // how far from the mean gradient, in [0, 1)
  double famo_lr = 0.025, famo_decay = 1e-3;
  double stch_mu = 1;           // towards 0 the soft maximum becomes the maximum
  double lookahead = 0.1;       // auto-lambda: the rate of the step that is looked ahead
  std::vector<char> primary{};  // auto-lambda, [T]: the tasks whose loss counts then; empty: all
  long stch_warmup_epochs = 4;  // these follow sum_i log L_i, and the mean losses of the last one become the nadir
  uint64_t seed = 0;            // random, pcgrad
};

// The loss of a task that has no example in this step: its coefficient is 0.
constexpr double kAbsent = -std::numeric_limits<double>::infinity();

class Weighting {
 public:
  Weighting(const WeightingOptions& options, long tasks);

  // c [T], from losses [T] and, if needs_gradients(), gram [T * T]. Replaces the gradient of parameters().
  Numbers coefficients(long step, const Numbers& losses, const Numbers& gram = {});
  // The same before there are losses, for the kinds that do not look at them: gradients can then be added up batch by
  // batch. Error: a kind that needs all tasks.
  Numbers coefficients(long step) const;
  // What the method adds to sum_i c_i L_i in its own loss: terms of the learned s alone.
  double extra_loss() const { return extra_; }

  // FAMO asks what the losses are on the same batch once the step is taken, best with the same dropout masks.
  bool wants_losses_after() const { return options_.kind == WeightingKind::famo; }
  void losses_after(const Numbers& losses);

  // Auto-Lambda asks before a step what its weights would do to the loss on other examples
  // (optim/several/auto_lambda.h). The answer becomes the gradient of parameters().
  bool wants_lookahead() const { return options_.kind == WeightingKind::auto_lambda; }
  void look_ahead(const std::vector<Tensor>& model, const TaskLosses& train, const TaskLosses& other);

  void end_epoch();  // the mean losses of the epoch are complete

  // The learned s [T], 'weighting.s', or nothing. They want an optimiser, and no weight decay.
  std::vector<Tensor> parameters() const;
  // Everything that a checkpoint needs, s included, as named tensors that share their storage.
  std::vector<Tensor> state() const;

 private:
  bool learns() const;
  Numbers answer(long step, const Numbers& losses, const Numbers& gram, Numbers& slope);
  void check_losses(const Numbers& losses) const;
  void add_to_means(const Numbers& losses);

  WeightingOptions options_;
  long tasks_;
  double extra_ = 0;
  Tensor s_;                // [T]
  Tensor sum_, count_;      // [T]: the losses of this epoch
  Tensor last_, previous_;  // [T]: mean losses of the last epoch, and of the one before
  Tensor reference_;        // [T]: mean losses of the first epoch (GradNorm) or of the last warm-up epoch (STCH)
  Tensor epochs_;           // []
  Tensor famo_w_, famo_m_, famo_v_, famo_steps_;  // [T], [T], [T], []: FAMO's w, and Adam's moments of it
  Numbers before_;                                // FAMO: the losses of this step
};

}  // namespace optim
