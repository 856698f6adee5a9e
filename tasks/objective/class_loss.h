// ClassLoss: a task's loss, bent where classes are of unequal size or texts are to be mixed. Formulas:
// nn/loss/imbalance.h, and mixup beside its code.
#pragma once

#include "tasks/objective/robust_options.h"

namespace objective {

using engine::Tensor;

class ClassLoss {
 public:
  // Counts the classes that the task is trained on. Error: a class without a text, where its share is needed.
  ClassLoss(const RobustOptions& options, const spec::Task& task);

  // spec::task_loss over the texts `which` of the batch, bent where the options say so and the task has classes.
  // `random` is for this task and batch alone: mixup draws from its two next calls.    [W, K] -> []
  Tensor operator()(const spec::Task& task, const Tensor& logits, const text::Batch& batch,
                    const engine::Indices& which, engine::Random random) const;

  // The class weights by whose sum over the texts this loss is divided: those of a weighted mean. focal has weights and
  // a plain mean.    [K] or []
  std::vector<engine::real> weights_of_mean(const spec::Task& task) const;
  // What a text weighs in the mean; 0: it counts nothing.
  double weight_in_loss(const spec::Task& task, const spec::Targets& targets, int text) const;

 private:
  bool is_plain_mean(const spec::Task& task) const;
  Tensor of(const Tensor& y, const engine::Indices& classes, const spec::Task& task) const;

  RobustOptions options_;
  std::vector<long> counts_;           // [K] texts of each class
  std::vector<engine::real> margins_;  // [K]
};

}  // namespace objective
