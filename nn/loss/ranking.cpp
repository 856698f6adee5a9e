// Sentence vectors as compositions of the engine's ops: each function is its formula. Read nn/loss/ranking.h first.
#include "nn/loss/ranking.h"

#include "nn/loss/contrastive.h"

namespace nn {

Tensor unit_rows(const Tensor& x) {
  constexpr real kTiny = real(1e-24);  // under the root
  const Tensor squares = reshape(sum(x * x, -1), {x.dim(0), 1});
  return x / engine::sqrt(squares + Tensor::scalar(kTiny));
}

Tensor in_batch_ranking(const Tensor& student, const Tensor& teacher, real scale) {
  check(student.shape().rank() == 2 && student.shape() == teacher.shape(),
        "in_batch_ranking: student and teacher must have one shape [B, C]; got {} and {}", student, teacher);
  return multiple_negatives(student, teacher.detach(), {.scale = scale, .symmetric = true});
}

}  // namespace nn
