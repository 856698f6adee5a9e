// The two attention layers in terms of the engine's ops. Read nn/bert.cpp next: where they are used.
#include "nn/attention.h"

#include <cmath>

namespace nn {

Tensor MultiHeadAttention::operator()(const Tensor& x, const Tensor& memory, const Ragged& layout,
                                      AttentionMaps* maps) const {
  check(layout.heads == heads, "attention: the layout is for {} heads, the layer has {}", layout.heads, heads);
  const real scale = 1 / std::sqrt(real(query.weight.dim(0) / heads));
  const DropoutMask mask = dropout.mask();
  if (!maps && x.is(memory)) {
    const Tensor qkv = linears(
        x, {{query.weight, query.bias}, {key.weight, key.bias}, {value.weight, value.bias}});  // [N, C] -> [N, 3 C]
    return self_attention(qkv, layout, scale, mask);
  }
  if (!maps) {
    const Tensor kv = linears(memory, {{key.weight, key.bias}, {value.weight, value.bias}});  // [Nk, C] -> [Nk, 2 C]
    return cross_attention(query(x), kv, layout, scale, mask);
  }
  const Tensor q = query(x), k = key(memory), v = value(memory);  // [N, C] each
  maps->scores = attention_scores(q, k, layout, scale);           // [S]
  maps->probs = ragged_softmax(maps->scores, layout);             // [S]
  return attention_apply(engine::dropout(maps->probs, mask), v, layout);
}

Tensor AttentionPool::operator()(const Tensor& x, const Indices& offsets, Tensor* weights) const {
  const real scale = 1 / std::sqrt(real(x.dim(-1)));
  const Tensor scores = matmul(x, queries, Transpose::second) * scale;  // [N, H]
  const Tensor a = segment_softmax(scores, offsets);                    // [N, H]
  if (weights) *weights = a;
  return segment_attend(dropout(a), x, offsets);  // [B, H * C]
}

}  // namespace nn
