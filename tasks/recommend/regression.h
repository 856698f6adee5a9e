// Closed forms: least squares over all items at once, from who took what and from what the texts say.
#pragma once

#include "engine/tensor.h"
#include "tasks/recommend/simple.h"

namespace recommend {

// EASE (Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data"), X [U, I] the weights:
//   P = (X^T X + lambda I)^-1,   B_ij = -P_ij / P_jj,   B_jj = 0,   score = x B
// Where there are fewer users than items the inverse is of U x U (Woodbury), with  H = (X X^T + lambda I)^-1 X:
//   lambda P = 1 - X^T H,   so that   score_j = (x X^T H)_j / (1 - (X^T H)_jj)   of what x does not have
// Memory: min(U, I)^2 + U I or I^2 numbers; operations: 2 min(U, I)^3.
Scorer ease(const std::vector<History>& histories, long items, double lambda);
engine::Tensor ease_weights(const std::vector<History>& histories, long items, double lambda);  // B [I, I]
Scorer ease_by_items(const std::vector<History>& histories, long items, double lambda);
Scorer ease_by_users(const std::vector<History>& histories, long items, double lambda);

// Content: who takes what, learned from the texts alone by kernel ridge regression, a regression for each user. v_i the
// words of item i, T the n items of the histories:
//   k_ij = v_i . v_j + 0.1,   q = (K_TT + lambda I)^-1 x_T,   score_i = sum_{t in T} q_t k_ti
// so that words of what is often taken count, whoever asks, and an item that nobody has taken yet has a score like any
// other. Memory: n^2 numbers; operations: 2 n^3.
Scorer content(const std::vector<History>& histories, const SparseRows& words, double lambda);

// A^-1 of a symmetric, positive definite A [n, n], by Gauss and Jordan in blocks: its products are the engine's.
void invert_positive(engine::Tensor& A);

}  // namespace recommend
