// The shape of attention, as compositions of the engine's ops: each function is its formula.
// Read nn/loss/attention_shape.h first.
#include "nn/loss/attention_shape.h"

#include "nn/loss/checks.h"

namespace nn {

Tensor attention_entropy(const Tensor& probs, const Ragged& layout) {
  check_layout("attention_entropy", probs, layout);
  return sum(xlogx(probs)) * real(-1 / queries_of_all_heads(layout));
}

Tensor head_disagreement(const Tensor& probs, const Ragged& layout) {
  check_layout("head_disagreement", probs, layout);
  const double H = double(layout.heads), pairs = H * (H - 1) * double(layout.queries.back());
  if (layout.heads == 1) return Tensor::scalar(0);
  // sum over h != g of p_h p_g = (sum_h p_h)^2 - sum_h p_h^2
  const Tensor all = ragged_mean_heads(probs, layout);
  return (sum(all * all) * real(H * H) - sum(probs * probs)) * real(1 / pairs);
}

Tensor guided_attention(const Tensor& probs, const Tensor& prior, const Ragged& layout) {
  check_layout("guided_attention", probs, layout);
  check(prior.shape() == Shape{layout.keys.back()}, "guided_attention: the prior must be [{}], one a token; got {}",
        layout.keys.back(), prior);
  Tensor weights = Tensor::zeros({layout.size()});  // prior_k / (sum of the sequence), for every head and query
  double queries = 0;                               // H M
  for (long b = 0; b < layout.sequences(); ++b) {
    const real* of = prior.data() + layout.keys[b];
    double total = 0;
    for (long k = 0; k < layout.key_count(b); ++k) {
      check(of[k] >= 0, "guided_attention: a prior must not be negative; got {}", of[k]);
      total += of[k];
    }
    if (total == 0) continue;
    queries += double(layout.heads * layout.query_count(b));
    for (long i = layout.blocks[b]; i < layout.blocks[b + 1]; ++i)
      weights.data()[i] = real(of[(i - layout.blocks[b]) % layout.key_count(b)] / total);
  }
  if (queries == 0) return Tensor::scalar(0);
  constexpr real kFloor = real(1e-9);  // a sparse p may be 0, its logarithm must not be -inf
  return sum(weights * engine::log(probs + Tensor::scalar(kFloor))) * real(-1 / queries);
}

}  // namespace nn
