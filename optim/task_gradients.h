// The gradients that each of several tasks has on shared parameters: kept apart, measured against each other, and put
// together again by the coefficients of a Weighting.
#pragma once

#include "optim/groups.h"

namespace optim {

class TaskGradients {
 public:
  TaskGradients(std::vector<Tensor> shared, long tasks);

  void take(long task);              // g_task is what the parameters' gradients are now; they are cleared
  std::vector<double> gram() const;  // [T * T]: g_i . g_j
  void combine(const std::vector<double>& coefficients) const;  // the parameters' gradients become sum_i c_i g_i

 private:
  std::vector<Tensor> shared_;
  std::vector<Moment> rows_;  // [T]: g_i, all parameters end to end
  std::vector<std::vector<char>>
      arrived_;  // [T][parameters]: a parameter that no task reaches stays without a gradient
};

}  // namespace optim
