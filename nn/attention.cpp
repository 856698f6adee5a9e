// The two attention layers in terms of the engine's ops. Read nn/model/bert.cpp next: where they are used.
#include "nn/attention.h"

#include <cmath>
#include <numeric>

namespace nn {
namespace {

Tensor normalise(const Tensor& scores, const Ragged& layout, Normaliser normaliser) {  // [S] -> [S]
  if (normaliser == Normaliser::sparsemax) return ragged_sparsemax(scores, layout);
  if (normaliser == Normaliser::entmax15) return ragged_entmax15(scores, layout);
  return ragged_softmax(scores, layout);
}

}  // namespace

AttentionForm::AttentionForm(const Config& c) : temperature(real(c.attention_temperature)) {
  if (c.attention_normaliser == "sparsemax") normaliser = Normaliser::sparsemax;
  if (c.attention_normaliser == "entmax15") normaliser = Normaliser::entmax15;
}

Tensor MultiHeadAttention::operator()(const Tensor& x, const Tensor& memory, const Ragged& layout, AttentionMaps* maps,
                                      Tensor* received) const {
  check(layout.heads == heads, "attention: the layout is for {} heads, the layer has {}", layout.heads, heads);
  const long head_width = query.weight.dim(0) / heads;
  const real scale = 1 / (form.temperature * std::sqrt(real(head_width)));
  if (prefix.table) return behind_prefix(x, memory, layout, maps, received, scale);
  const bool open = maps || form.normaliser != Normaliser::softmax || (received && !x.is(memory));
  const DropoutMask mask = dropout.mask();
  if (!open && x.is(memory)) {
    const Tensor qkv = side_by_side(x, {&query, &key, &value});  // [N, C] -> [N, 3 C]
    return self_attention(qkv, layout, scale, mask, received);
  }
  if (!open) {
    const Tensor kv = side_by_side(memory, {&key, &value});  // [Nk, C] -> [Nk, 2 C]
    return cross_attention(query(x), kv, layout, scale, mask);
  }
  const Tensor q = query(x), k = key(memory), v = value(memory);              // [N, C] each
  const Tensor scores = attention_scores(q, k, layout, scale);                // [S]
  const Tensor probs = normalise(scores, layout, form.normaliser);            // [S]
  const Tensor y = attention_apply(engine::dropout(probs, mask), v, layout);  // [Nq, C]
  if (received) *received = ragged_received(probs, layout);
  if (maps) *maps = {layout, scores, probs, q, k, v, maps->gate};
  return maps && maps->gate ? y * maps->gate : y;
}

namespace {

// Of values of all keys, those of the tokens: the keys of `tokens`, where P more stand before them in `all`.  -> [S]
Tensor of_tokens(const Tensor& values, const Ragged& all, const Ragged& tokens, long P) {
  Indices at;
  for (long b = 0; b < tokens.sequences(); ++b)
    for (long h = 0; h < tokens.heads; ++h)
      for (long q = 0; q < tokens.query_count(b); ++q)
        for (long k = 0; k < tokens.key_count(b); ++k)
          at.push_back(int(all.block(b, h) + q * all.key_count(b) + P + k));
  return reshape(gather_rows(reshape(values, {values.numel(), 1}), at), {long(at.size())});
}

}  // namespace

// Keys and values of the tokens, then the prefix's: each sequence gathers the prefix's rows before its own.
Tensor MultiHeadAttention::behind_prefix(const Tensor& x, const Tensor& memory, const Ragged& layout,
                                         AttentionMaps* maps, Tensor* received, real scale) const {
  check(!layout.local() && !layout.causal, "attention: a prefix is for attention that sees all tokens");
  const long P = prefix.table.dim(0), C = key.weight.dim(0), Nk = memory.dim(0);
  const Tensor own = slice(prefix.table, 1, prefix.first, prefix.first + 2 * C);  // [P, 2 C]
  const Tensor both = concat({side_by_side(memory, {&key, &value}), own}, 0);     // [Nk + P, 2 C]
  Indices rows, offsets{0}, tokens;                                               // tokens: where they stand then
  for (long b = 0; b < layout.sequences(); ++b) {
    for (long p = 0; p < P; ++p) rows.push_back(int(Nk + p));
    for (int t = layout.keys[b]; t < layout.keys[b + 1]; ++t) {
      tokens.push_back(int(rows.size()));
      rows.push_back(t);
    }
    offsets.push_back(int(rows.size()));
  }
  const Ragged all(layout.queries, offsets, heads);
  const Tensor kv = gather_rows(both, rows), q = query(x);  // [Nk + B P, 2 C], [Nq, C]
  const DropoutMask mask = dropout.mask();
  if (!maps && !received && form.normaliser == Normaliser::softmax) return cross_attention(q, kv, all, scale, mask);
  const Tensor k = slice(kv, 1, 0, C), v = slice(kv, 1, C, 2 * C);         // [Nk + B P, C] each
  const Tensor scores = attention_scores(q, k, all, scale);                // [S]
  const Tensor probs = normalise(scores, all, form.normaliser);            // [S]
  const Tensor y = attention_apply(engine::dropout(probs, mask), v, all);  // [Nq, C]
  if (received)
    *received = reshape(gather_rows(reshape(ragged_received(probs, all), {long(rows.size()), 1}), tokens), {Nk});
  if (maps)
    *maps = {layout,
             of_tokens(scores, all, layout, P),
             of_tokens(probs, all, layout, P),
             q,
             gather_rows(k, tokens),
             gather_rows(v, tokens),
             maps->gate};
  return maps && maps->gate ? y * maps->gate : y;
}

Tensor AttentionPool::operator()(const Tensor& x, const Indices& offsets, AttentionMaps* maps) const {
  const real scale = 1 / (form.temperature * std::sqrt(real(x.dim(-1))));
  const Tensor scores = matmul(x, queries, Transpose::second) * scale;  // [N, H]
  if (!maps && form.normaliser == Normaliser::softmax)
    return segment_attend(dropout(segment_softmax(scores, offsets)), x, offsets);  // [B, H * C]
  // The same as ragged values: one query a sequence, so that all attention looks alike to those who ask.
  const long N = x.dim(0), H = queries.dim(0);
  Indices one_each(offsets.size()), order;  // order: where the ragged values stand in [N, H]
  std::iota(one_each.begin(), one_each.end(), 0);
  const Ragged layout(one_each, offsets, H);
  for (long b = 0; b < layout.sequences(); ++b)
    for (long h = 0; h < H; ++h)
      for (int t = offsets[b]; t < offsets[b + 1]; ++t) order.push_back(int(t * H + h));
  const Tensor s = reshape(gather_rows(reshape(scores, {N * H, 1}), order), {N * H});    // [S]
  const Tensor p = normalise(s, layout, form.normaliser);                                // [S]
  const Tensor a = reshape(scatter_rows(reshape(p, {N * H, 1}), order, N * H), {N, H});  // [N, H]
  if (maps) *maps = {layout, s, p, {}, {}, {}, {}};
  return segment_attend(dropout(a), x, offsets);  // [B, H * C]
}

Tensor mean_pool(const Tensor& x, const Indices& offsets) {
  check(x.shape().rank() == 2 && x.dim(0) == offsets.back(),
        "mean_pool: x must have {} rows, as the offsets say; got {}", offsets.back(), x);
  Tensor weights({x.dim(0), 1});  // 1 / T_b
  for (size_t b = 0; b + 1 < offsets.size(); ++b)
    std::fill(weights.data() + offsets[b], weights.data() + offsets[b + 1], 1 / real(offsets[b + 1] - offsets[b]));
  return segment_attend(weights, x, offsets);
}

}  // namespace nn
