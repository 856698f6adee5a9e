// Decoding position by position: what is kept, and how hypotheses take it from each other. Read nn/model/decoder.h
// first.
#include <cmath>
#include <numeric>

#include "engine/parallel.h"
#include "engine/simd.h"
#include "nn/model/decoder.h"

namespace nn {
namespace {

real scale_of(const AttentionPart& part) {
  const long head_width = part.attention.query.weight.dim(0) / part.attention.heads;
  return 1 / std::sqrt(real(head_width));
}

}  // namespace

Decoding::Decoding(const EncoderDecoder& model, const Tokens& source)
    : model_(model), memory_offsets_(source.offsets), past_(model.decoder.size()) {
  const NoGrad no_grad;
  const Tensor memory = model.encode(source);  // [N, C]
  for (const DecoderLayer& layer : model.decoder)
    memory_.push_back(side_by_side(memory, {&layer.cross.attention.key, &layer.cross.attention.value}));  // [N, 2 C]
  sentence_.resize(source.sequences());
  std::iota(sentence_.begin(), sentence_.end(), 0);
}

// Which sentence each row belongs to now; those that have no row leave, with their memory.
void Decoding::take_parents(const Indices& parents) {
  const Indices offsets = memory_offsets_, before = sentence_;
  Indices keys{0}, rows;
  sentence_.clear();
  queries_ = {0};
  int last = -1;
  for (const int parent : parents) {
    check(parent >= 0 && parent < int(before.size()), "decoding: row {} of {} is to go on", parent, before.size());
    const int sentence = before[parent];
    check(sentence >= last, "decoding: rows of one sentence must stand together, in the order of the sentences");
    if (sentence != last) {
      for (int n = offsets[sentence]; n < offsets[sentence + 1]; ++n) rows.push_back(n);
      keys.push_back(int(rows.size()));
      queries_.push_back(queries_.back());
    }
    last = sentence;
    sentence_.push_back(int(keys.size()) - 2);
    ++queries_.back();
  }
  if (keys.size() == offsets.size()) return;
  for (Tensor& kept : memory_) kept = gather_rows(kept, rows);
  memory_offsets_ = keys;
}

// Where every row's past stands: at position s it is row ancestors_[j (t + 1) + s] of that position's keys and values.
// Nothing is copied when rows take each other's place but these numbers, once for all layers.
void Decoding::take_ancestors(const Indices& parents) {
  const long R = long(parents.size()), t = done_;
  Indices longer(R * (t + 1));
  for (long j = 0; j < R; ++j) {
    std::copy_n(ancestors_.begin() + (t ? parents[j] * t : 0), t, longer.begin() + j * (t + 1));
    longer[j * (t + 1) + t] = int(j);
  }
  ancestors_ = std::move(longer);
}

// The rows look at their own past and at themselves, each by itself: products of a matrix library would be one query
// high.    [R, C] -> [R, C]; past: a position more, [R, 2 C]
Tensor Decoding::attend_to_past(const AttentionPart& part, const Tensor& x, std::vector<Tensor>& past) const {
  const MultiHeadAttention& a = part.attention;
  const long R = x.dim(0), C = model_.config.d_model, H = a.heads, D = C / H, T = done_ + 1;
  const real scale = scale_of(part);
  const Tensor read = part.residual.entering(x);
  past.push_back(side_by_side(read, {&a.key, &a.value}));  // [R, 2 C]
  const Tensor q = a.query(read);                          // [R, C]
  Tensor y(Shape{R, C});
  std::vector<const real*> blocks;
  for (const Tensor& position : past) blocks.push_back(position.data());
  const real* queries = q.data();
  real* ys = y.data();
  parallel_rows(R, T * 2 * C, [&](long j) {
    std::vector<real> p(H * T);  // a head's probabilities side by side
    std::vector<const real*> kv(T);
    const real* query = queries + j * C;
    real* to = ys + j * C;
    for (long s = 0; s < T; ++s) {  // each row of keys, then of values, is read once
      kv[s] = blocks[s] + ancestors_[j * T + s] * 2 * C;
      for (long h = 0; h < H; ++h) p[h * T + s] = scale * simd::dot(query + h * D, kv[s] + h * D, D);
    }
    for (long h = 0; h < H; ++h) simd::softmax(p.data() + h * T, p.data() + h * T, T);
    std::fill_n(to, C, real(0));
    for (long s = 0; s < T; ++s)
      for (long h = 0; h < H; ++h) {
        const real* v = kv[s] + C + h * D;
        const real share = p[h * T + s];
        for (long c = 0; c < D; ++c) to[h * D + c] += share * v[c];
      }
  });
  return part.residual.leaving(part.out(y), x);
}

Tensor Decoding::attend_to_source(const AttentionPart& part, const Tensor& x, const Tensor& kept) const {
  const MultiHeadAttention& a = part.attention;
  const Ragged layout(queries_, memory_offsets_, a.heads);
  const Tensor y = cross_attention(a.query(part.residual.entering(x)), kept, layout, scale_of(part));
  return part.residual.leaving(part.out(y), x);
}

Tensor Decoding::step(const Indices& ids, const Indices& parents) {
  const NoGrad no_grad;
  const long R = long(ids.size());
  check(R > 0 && ids.size() == parents.size(), "decoding: a token for every row; got {} and {}", ids.size(),
        parents.size());
  check(done_ < model_.config.max_position_embeddings, "decoding: the model has {} positions", done_);
  take_parents(parents);
  take_ancestors(parents);
  Tensor x = model_.embed(ids, Indices(R, int(done_)));  // [R, C]
  for (size_t l = 0; l < model_.decoder.size(); ++l) {
    const DecoderLayer& layer = model_.decoder[l];
    x = attend_to_past(layer.self, x, past_[l]);
    x = layer.feed(attend_to_source(layer.cross, x, memory_[l]));
  }
  ++done_;
  return model_.logits(model_.last_norms.empty() ? x : model_.last_norms[1](x));  // [R, V]
}

}  // namespace nn
