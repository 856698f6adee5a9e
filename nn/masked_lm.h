// The head of masked language modelling: what stands behind a [MASK]?
#pragma once

#include "nn/bert.h"

namespace nn {

// BertForMaskedLM's head (Devlin et al. 2019), for M rows of an encoder's N: one logit for every piece of the
// vocabulary. The decoder's weight is the table of the word embeddings itself (Press & Wolf 2017), with a bias of its
// own.
//   logits = LayerNorm(f(dense(x))) W_word^T + bias, f the hidden_act          [N, C], M rows -> [M, V]
struct MaskedLmHead {
  Linear dense;
  LayerNorm norm;
  Activation activation;
  Linear decoder;
  MaskedLmHead(Scope at, const Embedding& word, const Config& c);
  Tensor operator()(const Tensor& hidden, const Indices& rows) const;
};

}  // namespace nn
