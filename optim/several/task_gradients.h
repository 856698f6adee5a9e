// The gradients that each of several tasks has on shared parameters: kept apart, measured against each other, and put
// together again by the coefficients of a Weighting.
#pragma once

#include <vector>

#include "optim/groups.h"

namespace optim {

class TaskGradients {
 public:
  TaskGradients(std::vector<Tensor> shared, long tasks);

  void take(long task);              // g_task is what the parameters' gradients are now; they are cleared
  std::vector<double> gram() const;  // [T * T]: g_i . g_j, in double, summed in a fixed order
  void combine(const std::vector<double>& coefficients) const;  // the parameters' gradients become sum_i c_i g_i

 private:
  // The gradient of one parameter: of an embedding the rows that some token used, else all of it.
  struct Gradient {
    bool arrived = false, whole = true;
    std::vector<int> written;  // unless whole
    Buffer values;             // [written, C], or the parameter's shape
  };
  static Gradient gradient_of(const Tensor& parameter);
  double dot(size_t a, size_t b) const;

  std::vector<Tensor> shared_;
  std::vector<std::vector<Gradient>> rows_;  // [T][parameters]
};

}  // namespace optim
