// Losses as compositions of the engine's ops. Read engine/ops_loss.cpp for the fused ones.
#include "nn/losses.h"

namespace nn {

Tensor distillation(const Tensor& student, const Tensor& teacher, real T) {
  check(student.shape().rank() == 2 && student.shape() == teacher.shape(),
        "distillation: student and teacher logits must have one shape [B, K]; got {} and {}", student, teacher);
  check(T > 0, "distillation: the temperature must be positive; got {}", T);
  const Tensor log_p = log_softmax(teacher.detach() * (1 / T)), log_q = log_softmax(student * (1 / T));
  const Tensor divergence = sum(engine::exp(log_p) * (log_p - log_q));
  return divergence * (T * T / real(student.dim(0)));
}

namespace {
void check_logits(const char* what, const Tensor& a, const Tensor& b) {
  check(a.shape().rank() == 2 && a.shape() == b.shape(), "{}: logits must have one shape [B, K]; got {} and {}", what,
        a, b);
}
}  // namespace

Tensor symmetric_kl(const Tensor& a, const Tensor& b) {
  check_logits("symmetric_kl", a, b);
  const Tensor log_p = log_softmax(a), log_q = log_softmax(b);
  // KL(p || q) + KL(q || p) = sum (p - q) (log p - log q)
  return sum((engine::exp(log_p) - engine::exp(log_q)) * (log_p - log_q)) * (real(0.5) / real(a.dim(0)));
}

Tensor jensen_shannon(const Tensor& a, const Tensor& b) {
  check_logits("jensen_shannon", a, b);
  const Tensor log_p = log_softmax(a), log_q = log_softmax(b), p = engine::exp(log_p), q = engine::exp(log_q);
  constexpr real kFloor = real(1e-30);  // p and q may both underflow to 0
  const Tensor log_m = engine::log((p + q) * real(0.5) + Tensor::scalar(kFloor));
  return sum(p * (log_p - log_m) + q * (log_q - log_m)) * (real(0.5) / real(a.dim(0)));
}

}  // namespace nn
