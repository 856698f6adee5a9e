// Agreement: two predictions of one text should be the same.
#pragma once

#include "engine/ops.h"

namespace nn {
using namespace engine;

// R-Drop (Liang et al. 2021): of two passes with other dropout masks the mean of their losses, and the distance of what
// they say, symmetric_kl (engine/ops_loss.cpp). The loss is  loss + alpha / 2 distance:  half of R-Drop's sum, the size
// of one loss.
struct TwoPasses {
  Tensor loss, distance;  // []
};
// loss_a, loss_b [], what the passes say a, b [B, K]
TwoPasses two_passes(const Tensor& loss_a, const Tensor& loss_b, const Tensor& a, const Tensor& b);
inline double distance_weight(double alpha) { return alpha / 2; }

// The Jensen-Shannon divergence (Lin 1991), at most log 2: (KL(p || m) + KL(q || m)) / 2, m = (p + q) / 2, of
// p = softmax(a), q = softmax(b), mean over the batch. Gradients go to both.    [B, K], [B, K] -> []
Tensor jensen_shannon(const Tensor& a, const Tensor& b);

}  // namespace nn
