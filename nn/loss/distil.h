// Distillation: what a student learns from its teacher's logits. Gradients go to the student only.
#pragma once

#include "engine/ops.h"

namespace nn {
using namespace engine;

// Soft targets (Hinton, Vinyals, Dean 2015): T^2 KL(softmax(teacher / T) || softmax(student / T)), mean over the batch.
// The factor keeps the gradients' size when T changes. Gradients go to the student only.    [B, K], [B, K] -> []
Tensor distillation(const Tensor& student, const Tensor& teacher, real T);

// -mean_b sum_k softmax(teacher / T) log softmax(student / T): distillation() without the factor T^2, and with the
// teacher's own entropy in its value.    [B, K], [B, K] -> []
Tensor soft_cross_entropy(const Tensor& student, const Tensor& teacher, real T);

}  // namespace nn
