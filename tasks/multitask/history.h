// History: every task's mean loss and mean weight, in the first epoch of training and in the last.
#pragma once

#include "nn/format/json_value.h"
#include "tasks/spec/task_file.h"

namespace multitask {

using engine::Tensor;

class History {
 public:
  explicit History(const std::vector<spec::TaskSpec>& tasks);
  // [T] each; a task whose loss is optim::kAbsent was not in the step.
  void add(const std::vector<double>& losses, const std::vector<double>& weights);
  void end_epoch();
  nn::ordered_json json() const;  // {"first_epoch": {TASK: {"loss": ..., "weight": ...}}, "last_epoch": ...}
  std::vector<Tensor> state() const { return {sums_, first_, last_}; }  // for a checkpoint

 private:
  std::vector<std::string> names_;
  Tensor sums_;          // [3, T]: losses, weights and steps of this epoch
  Tensor first_, last_;  // [2, T]: mean loss and weight; weight -1: nothing yet
};

}  // namespace multitask
