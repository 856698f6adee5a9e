// Soft targets as compositions of the engine's ops. Read nn/loss/distil.h first.
#include "nn/loss/distil.h"

#include "nn/loss/checks.h"

namespace nn {

Tensor distillation(const Tensor& student, const Tensor& teacher, real T) {
  check_rows("distillation", student, teacher);
  check(T > 0, "distillation: the temperature must be positive; got {}", T);
  const Tensor log_p = log_softmax(teacher.detach() * (1 / T)), log_q = log_softmax(student * (1 / T));
  const Tensor divergence = sum(engine::exp(log_p) * (log_p - log_q));
  return divergence * (T * T / real(student.dim(0)));
}

Tensor soft_cross_entropy(const Tensor& student, const Tensor& teacher, real T) {
  check_rows("soft_cross_entropy", student, teacher);
  check(T > 0, "soft_cross_entropy: the temperature must be positive; got {}", T);
  const Tensor p = softmax(teacher.detach() * (1 / T));
  return sum(p * log_softmax(student * (1 / T))) * (real(-1) / real(student.dim(0)));
}

}  // namespace nn
