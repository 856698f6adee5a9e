// Sentence vectors as compositions of the engine's ops: each function is its formula. Read nn/sentence.h first.
#include "nn/sentence.h"

#include <numeric>

namespace nn {

Tensor unit_rows(const Tensor& x) {
  constexpr real kTiny = real(1e-24);  // under the root
  const Tensor squares = reshape(sum(x * x, -1), {x.dim(0), 1});
  return x / engine::sqrt(squares + Tensor::scalar(kTiny));
}

Tensor mean_pool(const Tensor& x, const Indices& offsets) {
  check(x.shape().rank() == 2 && x.dim(0) == offsets.back(),
        "mean_pool: x must have {} rows, as the offsets say; got {}", offsets.back(), x);
  Tensor weights({x.dim(0), 1});  // 1 / T_b
  for (size_t b = 0; b + 1 < offsets.size(); ++b)
    std::fill(weights.data() + offsets[b], weights.data() + offsets[b + 1], 1 / real(offsets[b + 1] - offsets[b]));
  return segment_attend(weights, x, offsets);
}

Tensor in_batch_ranking(const Tensor& student, const Tensor& teacher, real scale) {
  check(student.shape().rank() == 2 && student.shape() == teacher.shape(),
        "in_batch_ranking: student and teacher must have one shape [B, C]; got {} and {}", student, teacher);
  check(scale > 0, "in_batch_ranking: the scale must be positive; got {}", scale);
  Indices own(student.dim(0));
  std::iota(own.begin(), own.end(), 0);
  const Tensor cosines = matmul(unit_rows(student), unit_rows(teacher.detach()), Transpose::second);  // [B, B]
  return (cross_entropy(cosines * scale, own) + cross_entropy(transpose(cosines) * scale, own)) * real(0.5);
}

}  // namespace nn
