// LoRA: what a weight that stays is short of, as a product of low rank.
#pragma once

#include "nn/layers.h"

namespace nn {

// lora: y = x W^T + b + s (D(x) A^T) B^T, D dropout and s = alpha / r (Hu et al. 2022, "LoRA: low-rank adaptation of
// large language models"), or s = alpha / sqrt(r), whose gradients do not shrink as r grows (Kalajdzievski 2023, "A
// rank stabilization scaling factor for fine-tuning with LoRA").
// dora: the direction and the length of each output's weights apart (Liu et al. 2024, "DoRA: weight-decomposed
// low-rank adaptation"): V = W + s B A,  y = x W^T + b + (m / n - 1) o (D(x) W^T) + (m / n) o s (D(x) A^T) B^T, as peft
// has it,  n_o = |V_o|, which counts as a constant in backward; m begins as |W_o|.
//   shapes    x [..., I]   W [O, I]   b [O] or none   A [r, I]   B [O, r]   m [O] or none   ->   y [..., O]
//   merged    W' = W + s B A,   of dora W'_o = m_o V_o / |V_o|: the same y from one product, without D
// W and b as a rule want no gradient; the products for theirs are left out then. A begins as U(-1/sqrt(I), 1/sqrt(I))
// and B at 0, so that at first y is what it was.
struct LowRank {
  Tensor A, B, magnitude;
  real scaling;
  std::function<DropoutMask()> mask = nullptr;  // of x, or nothing
  LowRank(Tensor a, Tensor b, Tensor m, real s) : A(a), B(b), magnitude(m), scaling(s) {}
  // lora_A.weight, lora_B.weight and, with `dora`, lora_magnitude_vector. `what`: the layer that they belong to.
  LowRank(Scope at, const Linear& what, long rank, real s, real dropout, bool dora);

  Tensor operator()(const Tensor& x, const Tensor& W, const Tensor& b) const;
  Tensor merged(const Tensor& W) const;            // [O, I], without history
  void begin_magnitude_at(const Tensor& W) const;  // once A, B and m have storage
};

// lora of a table of embeddings: to the row of every id is added
//   s B a_id,  a_id the id's column of A;    A [r, V]   B [C, r]   N ids -> [N, C]
//   merged    W' = W + s (B A)^T    [V, C]
// A begins at 0 and there is no dropout, as in peft. B begins as N(0, 1/C), columns of length 1, so that one learning
// rate suits weights and tables; peft's N(0, 1) makes steps sqrt(C) times as long.
struct LowRankTable {
  Tensor A, B;
  real scaling;
  LowRankTable(Tensor a, Tensor b, real s) : A(a), B(b), scaling(s) {}
  // lora_embedding_A and lora_embedding_B. `what`: the table that they belong to.
  LowRankTable(Scope at, const Embedding& what, long rank, real s);

  Tensor operator()(const Indices& ids) const;
  Tensor merged(const Tensor& W) const;  // without history
};

}  // namespace nn
