// Masked language modelling: the head on top of an encoder. Read nn/bert.h first; tasks/text/masking.h hides the pieces.
#include "nn/masked_lm.h"

namespace nn {

MaskedLmHead::MaskedLmHead(Scope at, const Embedding& word, const Config& c)
    : dense(at / "transform.dense", c.hidden_size, c.hidden_size, c.initializer_range),
      norm(at / "transform.LayerNorm", c.hidden_size, c.layer_norm_eps),
      decoder(word.weight, at.parameter("bias", {c.vocab_size}, {Init::constant, 0})) {}

Tensor MaskedLmHead::operator()(const Tensor& rows) const { return decoder(norm(gelu(dense(rows)))); }

}  // namespace nn
