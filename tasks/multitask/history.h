// The course of training: every task's mean loss and mean weight, in the first epoch and in the last.
#pragma once

#include "tasks/multitask/model.h"

namespace multitask {

class Course {
 public:
  explicit Course(const std::vector<TaskSpec>& tasks);
  void add(const std::vector<Tensor>& losses,
           const std::vector<double>& weights);  // [T] each; no loss: not in the step
  void end_epoch();
  nlohmann::ordered_json json() const;  // {"first_epoch": {TASK: {"loss": ..., "weight": ...}}, "last_epoch": ...}
  std::vector<Tensor> state() const { return {sums_, first_, last_}; }  // for a checkpoint

 private:
  std::vector<std::string> names_;
  Tensor sums_;          // [3, T]: losses, weights and steps of this epoch
  Tensor first_, last_;  // [2, T]: mean loss and weight; weight -1: nothing yet
};

}  // namespace multitask
