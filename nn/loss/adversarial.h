// Adversarial steps: how to move the embeddings of a batch so that its loss rises most, within a small ball.
#pragma once

#include "engine/ops.h"

namespace nn {
using namespace engine;

// What a norm is taken over: the packed tokens of one text, those of all texts, or one token.
enum class NormOver { text, batch, token };

// FGM (Miyato, Dai, Goodfellow 2017), and one step of PGD (Madry et al. 2018), without gradient:
//   delta = epsilon g / |g|,   g = d loss / d embeddings; 0 where g is 0
// then add delta to the embeddings (an encoder can be entered there) and let the loss of both go into the weights.
//   gradient [N, C], offsets [B + 1]   ->   [N, C]
Tensor steepest(const Tensor& gradient, const Indices& offsets, real epsilon, NormOver over = NormOver::text);

// delta, drawn back to the radius where its norm is larger: delta min(1, radius / |delta|).    [N, C] -> [N, C]
Tensor within_ball(const Tensor& delta, const Indices& offsets, real radius, NormOver over = NormOver::text);

}  // namespace nn
