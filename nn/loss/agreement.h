// Agreement: two predictions of one text should be the same. What R-Drop asks of two passes (Liang et al. 2021) is
// symmetric_kl, an op of the engine (ops_loss.cpp).
#pragma once

#include "engine/ops.h"

namespace nn {
using namespace engine;

// The Jensen-Shannon divergence (Lin 1991), at most log 2: (KL(p || m) + KL(q || m)) / 2, m = (p + q) / 2, of
// p = softmax(a), q = softmax(b), mean over the batch. Gradients go to both.    [B, K], [B, K] -> []
Tensor jensen_shannon(const Tensor& a, const Tensor& b);

}  // namespace nn
