// Auto-Lambda: weights of tasks that follow what a step with them does to the loss on other examples (Liu, James,
// Davison, Johns 2022).
#pragma once

#include "optim/several/meta.h"
#include "optim/several/weighting_rules.h"

namespace optim {

// The losses of the T tasks at the present values of the parameters, [] each, with their history.
using TaskLosses = std::function<std::vector<Tensor>()>;

// How the loss M on other examples answers to the weights w of the tasks, one step of rate a ahead:
//   theta' = theta - a d/dtheta sum_j w_j L_j(theta),   M = sum of L'_i(theta') over the primary tasks
//   dM/dw_i = -a dL_i(theta) . v = -a (L_i(theta + e v) - L_i(theta - e v)) / (2 e),   v = dM(theta'),   e = 0.01 / |v|
// by central differences along v: two more forward passes instead of second derivatives (Liu, Simonyan, Yang 2019,
// section 2.3). `train` gives L, `other` gives L'; each must draw the same dropout masks at every call. The parameters
// are as before afterwards, and without a gradient. Where v is 0, so is the answer.
Numbers hypergradient(const std::vector<Tensor>& parameters, const Numbers& weights, double lookahead,
                      const std::vector<char>& primary, const TaskLosses& train, const TaskLosses& other);

// w = T softmax(s): positive, of sum T, all 1 when s is 0.    dM/ds_j = w_j (h_j - 1/T sum_i w_i h_i),  h = dM/dw
Numbers auto_lambda_weights(const Numbers& s);
Numbers auto_lambda_slope(const Numbers& s, const Numbers& hypergradient);

}  // namespace optim
