// Losses beyond the engine's cross_entropy, binary_cross_entropy_with_logits and mse.
#pragma once

#include "engine/ops.h"
#include "nn/files.h"

namespace nn {

// Soft targets (Hinton, Vinyals, Dean 2015): T^2 KL(softmax(teacher / T) || softmax(student / T)), mean over the batch.
// The factor keeps the gradients' size when T changes. Gradients go to the student only.    [B, K], [B, K] -> []
Tensor distillation(const Tensor& student, const Tensor& teacher, real T);

// What R-Drop asks of two passes (Liang et al. 2021): (KL(p || q) + KL(q || p)) / 2 of p = softmax(a), q = softmax(b),
// mean over the batch. Gradients go to both.    [B, K], [B, K] -> []
Tensor symmetric_kl(const Tensor& a, const Tensor& b);

// The Jensen-Shannon divergence (Lin 1991), at most log 2: (KL(p || m) + KL(q || m)) / 2, m = (p + q) / 2, of
// p = softmax(a), q = softmax(b), mean over the batch. Gradients go to both.    [B, K], [B, K] -> []
Tensor jensen_shannon(const Tensor& a, const Tensor& b);

}  // namespace nn
