// Learning to learn, by first-order methods: steps on a task are tried from the parameters theta, and what they taught
// becomes the gradient of theta.
#pragma once

#include "optim/groups.h"

namespace optim {

// The values of parameters at one moment, to return to after steps that were only tried.
class Snapshot {
 public:
  explicit Snapshot(std::vector<Tensor> parameters);  // of this moment
  void take();                                        // of now
  void restore() const;                               // the parameters have them again
  const real* of(size_t parameter) const { return values_.of(parameter); }

 private:
  std::vector<Tensor> parameters_;
  Moment values_;
};

// w <- w - lr dL/dw of the parameters that have a gradient: SGD without state and decay. The gradients stay.
void descend(const std::vector<Tensor>& parameters, double lr);

enum class MetaMethod { fomaml, reptile };

// The outer gradient of a batch of T tasks. The papers' boxes read like this:
//
//   meta.begin();                                                       // theta
//   for (task : batch) {
//     for (k inner steps) backward(support loss), meta.inner_step(lr);  // theta' <- theta' - lr dL_support(theta')
//     if (method == MetaMethod::fomaml) backward(query loss);           // at theta'
//     meta.end_task();                                                  // what it taught; then theta again
//   }
//   meta.finish();                                                      // the gradient of theta
//   optimizer.step(lr);
//
//   FOMAML    d theta = 1/T sum_t dL_query(theta'_t)     first-order MAML (Finn, Abbeel, Levine 2017, section 5.2)
//   Reptile   d theta = 1/T sum_t (theta - theta'_t)     (Nichol, Achiam, Schulman 2018, algorithm 2): with SGD of rate
//                                                        e, theta <- theta + e (mean_t theta'_t - theta)
//
// A parameter that nothing arrived for in any task is left without a gradient.
class MetaGradient {
 public:
  MetaGradient(MetaMethod method, std::vector<Tensor> parameters);
  void begin();
  void inner_step(double lr);
  void end_task();
  void finish();  // Error: no task since begin()

 private:
  void note_taught();

  MetaMethod method_;
  std::vector<Tensor> parameters_;
  Snapshot theta_;
  Moment sum_;
  std::vector<char> taught_;  // by parameter: whether something was added to its sum
  long tasks_ = 0;
};

}  // namespace optim
