// Balance: from the losses of the tasks to the gradients that the optimiser follows, by the weighting that was chosen.
#pragma once

#include "optim/optimizer.h"
#include "optim/several/task_gradients.h"
#include "optim/several/weighting.h"
#include "tasks/multitask/model.h"

namespace multitask {

class Balance {
 public:
  Balance(const optim::WeightingOptions& options, double lr, const Model& model);

  // Fills the gradients of the model's parameters from the losses [T]; no loss: the task is not in this step. Returns what
  // every loss was multiplied by.
  //   as a rule   one backward of sum_t c_t L_t
  //   pcgrad, mgda, cagrad, gradnorm   one backward a task over the graph that they share; on the shared parameters the
  //               sum of the gradients g_t by c, which depends on G G^T; heads: their own gradient (gradnorm: times c_t)
  std::vector<double> backward(long step, const std::vector<Tensor>& losses);
  double loss() const { return loss_; }  // of the last backward: sum_t c_t L_t and what the method adds

  // Auto-Lambda, before a step: the weights follow what a step by `train` would do to the losses of `other`, texts of
  // the same tasks.
  bool wants_lookahead() const { return weighting_.wants_lookahead(); }
  void look_ahead(const optim::TaskLosses& train, const optim::TaskLosses& other);

  // The update of what the method itself learns.
  void step();
  bool wants_losses_after() const { return weighting_.wants_losses_after(); }
  void losses_after(const std::vector<Tensor>& losses);  // of the same batch, once the parameters have moved
  void end_epoch() { weighting_.end_epoch(); }

  std::vector<Tensor> state() const;  // for a checkpoint: what continues bit for bit

 private:
  void walk_each(const std::vector<Tensor>& losses);

  optim::WeightingKind kind_;
  const Model& model_;
  optim::Weighting weighting_;
  std::vector<Tensor> learned_;  // by the weighting
  optim::AdamW optimizer_;       // of them: without decay, at a rate of their own
  double lr_, loss_ = 0;
  optim::TaskGradients gradients_;
};

}  // namespace multitask
