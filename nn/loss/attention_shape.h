// Losses that shape attention while a model is trained: how sharp it is, how alike its heads are, where it falls.
// Ragged values, one per head, query and key, lie as engine/ragged.h says; N tokens of B sequences, H heads.
#pragma once

#include "engine/ops.h"

namespace nn {
using namespace engine;

// -1/(H N) sum p log p, in nats, of probabilities.    [S] -> []
Tensor attention_entropy(const Tensor& probs, const Ragged& layout);

// What the heads look at together: mean over queries and over ordered pairs h != g of heads of sum_k p_h p_g. To be
// made small: the attended-position disagreement of Li et al. 2018 is minus this, less h = g. One head: 0.  [S] -> []
Tensor head_disagreement(const Tensor& probs, const Ragged& layout);

// Cross-entropy of attention towards a prior over tokens, -1/(H M) sum_q sum_k prior_k log p_qk, over the M queries of
// the sequences whose prior is not all 0; the prior is made to sum to 1 in each. Without any such sequence 0.
//   probs [S], prior [Nk] >= 0 -> []
Tensor guided_attention(const Tensor& probs, const Tensor& prior, const Ragged& layout);

}  // namespace nn
