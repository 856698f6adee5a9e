// Ranking: what makes the sentence vectors of two models or languages meet. Gradients go to the student only.
#pragma once

#include "engine/ops.h"

namespace nn {

using namespace engine;

// x_n / |x_n|, row by row; a row of zeros stays one.    [N, C] -> [N, C]
Tensor unit_rows(const Tensor& x);

// Which of the other model's B sentences is this one? Cross-entropy of scale * cos(student_b, teacher_c) over c, with
// c = b the answer, mean over b (Henderson et al. 2017; scale 20 in sentence-transformers); the same over b, with b = c
// the answer; half of both: one alone serves one direction of retrieval and hurts the other.    [B, C], [B, C] -> []
Tensor in_batch_ranking(const Tensor& student, const Tensor& teacher, real scale);

}  // namespace nn
