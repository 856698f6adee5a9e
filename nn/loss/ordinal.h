// Ordinal regression: classes that have an order, as ratings have.
#pragma once

#include "engine/ops.h"

namespace nn {
using namespace engine;

// CORAL (Cao, Mirjalili, Raschka 2020: "Rank consistent ordinal regression for neural networks"). Of K classes in
// order, 0 to K - 1, K - 1 binary questions: is y above k? One direction w answers all, each has a bias of its own:
//   logits   x_k = w . h + b_k,   s_k = sigmoid(x_k) = P(y > k),   k = 0 ... K - 2        nn/model/heads.h: Ranks
//   loss     L = - (1 / B) sum_i sum_k [y_i > k] log s_ik + (1 - [y_i > k]) log(1 - s_ik)
//   backward dx_ik = (s_ik - [y_i > k]) / B * dL
//   class    y = sum_k [s_k > 1/2]
// Where L is least, b_0 >= b_1 >= ... (their theorem 1), so that the answers do not contradict each other.
//   [B, K - 1], classes [B] in 0 ... K - 1   ->   []
Tensor coral(const Tensor& logits, const Indices& classes);

// The class of every row.    [B, K - 1] -> [B]
Indices ranks_of(const Tensor& logits);

// P(y = k) = P(y > k - 1) - P(y > k), with P(y > k) the least of s_0 ... s_k: no share is below 0, even where biases
// are not in order yet.    [B, K - 1] -> [B, K], without gradient
Tensor class_shares(const Tensor& logits);

// b_k that say of every text what the classes' counts say: log(n_{>k} / n_{<=k}), each count with 1/2 more so that no
// class is impossible.    [K] -> K - 1
std::vector<real> first_biases(const std::vector<long>& counts);

}  // namespace nn
