// Balance: from the losses of the tasks to the gradients that the optimiser follows, by the weighting that was chosen.
#pragma once

#include <optional>

#include "optim/optimizer.h"
#include "optim/several/meta.h"
#include "optim/several/task_gradients.h"
#include "optim/several/weighting.h"
#include "tasks/model/text_model.h"

namespace multitask {

using engine::Tensor;

class Balance {
 public:
  Balance(const optim::WeightingOptions& options, double lr, const model::TextModel& model);

  // Adds the gradients of a step, or of one batch of it (batches' losses sum up to the step's): losses [T], nothing for
  // a task that is not in it, and `extra`, which enters as it is.
  //   as a rule   one backward of sum_t c_t L_t + extra
  //   pcgrad, mgda, cagrad, gradnorm   one backward a task over the graph that they share; on the shared parameters the
  //               sum of the gradients g_t by c, which depends on G G^T; heads: their gradient (gradnorm: times c_t);
  //               then one of extra, so that it has no part in c
  // Where a g_t is no numbers nothing is weighed: the gradients are then g_t of the first such task, so that who looks
  // at them finds the parameter where it began. Error: a second batch where c depends on the losses of the whole step
  // (optim::needs_all_tasks).
  void backward(long step, const std::vector<Tensor>& losses, const Tensor& extra = {});
  // Ends the step's gradients. Returns what every loss was multiplied by; 0 for a task that was not in the step.
  std::vector<double> coefficients(long step);

  // Of the step that coefficients() ended.
  const std::vector<double>& losses() const { return losses_; }  // [T]; optim::kAbsent: not in it
  double loss() const;                                           // sum_t c_t L_t + extra, and what the method adds

  // Auto-Lambda, before a step: the weights follow what a step by `train` would do to the losses of `other`, texts of
  // the same tasks.
  bool wants_lookahead() const { return weighting_.wants_lookahead(); }
  void look_ahead(const optim::TaskLosses& train, const optim::TaskLosses& other);

  // The update of what the method itself learns.
  void step();
  // Of a step that is given up instead: weights, moments and mean losses are what they were before it.
  void take_back();
  bool wants_losses_after() const { return weighting_.wants_losses_after(); }
  void losses_after(const std::vector<Tensor>& losses);  // of the same batch, once the parameters have moved
  void end_epoch() { weighting_.end_epoch(); }

  std::vector<Tensor> state() const;  // for a checkpoint: what continues bit for bit

 private:
  void begin();
  void remember();
  void move();
  void walk_each(const std::vector<Tensor>& losses);
  void scale_heads() const;
  Tensor weighted_sum(const std::vector<Tensor>& losses) const;

  optim::WeightingKind kind_;
  const model::TextModel& model_;
  optim::Weighting weighting_;
  std::vector<Tensor> learned_;  // by the weighting
  optim::AdamW optimizer_;       // of them: without decay, at a rate of their own
  double lr_;
  std::optional<optim::TaskGradients> gradients_;  // from the first step on: what is frozen is known then
  std::optional<optim::Snapshot> before_;          // state() before the step
  bool remembered_ = false;                        // of this step
  bool open_ = false;                              // a step has begun that coefficients() has not ended
  std::vector<double> losses_, c_;
  double extra_ = 0;
};

}  // namespace multitask
