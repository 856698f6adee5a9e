// Decoding position by position: what is kept, and how hypotheses take it from each other. Read nn/model/decoder.h
// first.
#include <cmath>
#include <numeric>

#include "engine/parallel.h"
#include "nn/model/decoder.h"

namespace nn {
namespace {

Indices counted(long n, long each) {  // 0, each, 2 each, ...    [n + 1]
  Indices offsets(n + 1);
  for (long i = 0; i <= n; ++i) offsets[i] = int(i * each);
  return offsets;
}

real scale_of(const AttentionPart& part) {
  return 1 / std::sqrt(real(part.attention.query.weight.dim(0) / part.attention.heads));
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

// The rows look at their own past and at themselves.    [R, C] -> [R, C]; kept [R t, 2 C] -> [R (t + 1), 2 C]
Tensor Decoding::attend_to_past(const AttentionPart& part, const Tensor& x, Tensor& kept, const Indices& parents) {
  const MultiHeadAttention& a = part.attention;
  const long R = x.dim(0), C = model_.config.d_model, t = done_;
  const Tensor read = part.residual.entering(x);
  const Tensor kv = side_by_side(read, {&a.key, &a.value});  // [R, 2 C]
  Tensor longer(Shape{R * (t + 1), 2 * C});
  parallel_rows(R, (t + 1) * 2 * C, [&](long j) {
    real* to = longer.data() + j * (t + 1) * 2 * C;
    if (t) std::copy_n(kept.data() + parents[j] * t * 2 * C, t * 2 * C, to);
    std::copy_n(kv.data() + j * 2 * C, 2 * C, to + t * 2 * C);
  });
  kept = longer;
  const Ragged layout(counted(R, 1), counted(R, t + 1), a.heads);
  return part.residual.leaving(part.out(cross_attention(a.query(read), kept, layout, scale_of(part))), x);
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
  Tensor x = model_.embed(ids, Indices(R, int(done_)));  // [R, C]
  for (size_t l = 0; l < model_.decoder.size(); ++l) {
    const DecoderLayer& layer = model_.decoder[l];
    x = attend_to_past(layer.self, x, past_[l], parents);
    x = layer.feed(attend_to_source(layer.cross, x, memory_[l]));
  }
  ++done_;
  return model_.logits(model_.last_norms.empty() ? x : model_.last_norms[1](x));  // [R, V]
}

}  // namespace nn
