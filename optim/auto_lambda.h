// Auto-Lambda: weights of tasks that are learned from what a step with them does to the loss on other examples
// (Liu, James, Davison, Johns 2022).
#pragma once

#include "optim/adamw.h"
#include "optim/meta.h"

namespace optim {

// The losses of the T tasks at the present values of the parameters, [] each, with their history.
using TaskLosses = std::function<std::vector<Tensor>()>;

// How the loss on other examples answers to the weights w of the tasks, one step of rate a ahead:
//   theta' = theta - a d/dtheta sum_j w_j L_j(theta),   M = sum over the primary tasks of L'_i(theta')
//   dM/dw_i = -a dL_i(theta) . dM(theta') = -a (L_i(theta + e v) - L_i(theta - e v)) / (2 e),   v = dM(theta'), e = 0.01 / |v|
// by central differences along v: two more forward passes instead of a second derivative (Liu, Simonyan, Yang 2019, section
// 2.3). `train` gives L, `other` gives L'; both must draw the same dropout masks at every call. The parameters are
// as before afterwards and have no gradient. Where |v| is 0 so is the answer.
std::vector<double> hypergradient(const std::vector<Tensor>& parameters, const std::vector<double>& weights,
                                  double lookahead, const std::vector<char>& primary, const TaskLosses& train,
                                  const TaskLosses& other);

struct AutoLambdaOptions {
  double lookahead = 0.1;          // a
  double lr = 1e-3;                // of Adam on the weights' logits
  std::vector<char> primary = {};  // by task; empty: all of them
};

// w = T softmax(s): all 1 at the start, positive, of sum T. Adam follows the hypergradient of s.
class AutoLambda {
 public:
  AutoLambda(const AutoLambdaOptions& options, long tasks);
  std::vector<double> weights() const;
  // One step of the weights, before the step of the parameters.
  void update(const std::vector<Tensor>& parameters, const TaskLosses& train, const TaskLosses& other);
  std::vector<Tensor> state() const;  // for a checkpoint, as an optimiser's

 private:
  AutoLambdaOptions options_;
  Tensor logits_;  // [T]
  AdamW adam_;
};

}  // namespace optim
