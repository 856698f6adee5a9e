// Two predictions of one text as compositions of the engine's ops. Read nn/loss/agreement.h first.
#include "nn/loss/agreement.h"

namespace nn {

TwoPasses two_passes(const Tensor& loss_a, const Tensor& loss_b, const Tensor& a, const Tensor& b) {
  return {(loss_a + loss_b) * real(0.5), symmetric_kl(a, b)};
}

Tensor jensen_shannon(const Tensor& a, const Tensor& b) {
  check(a.shape().rank() == 2 && a.shape() == b.shape() && a.numel() > 0,
        "jensen_shannon: logits must have one shape [B, K], and not be empty; got {} and {}", a, b);
  const Tensor log_p = log_softmax(a), log_q = log_softmax(b), p = engine::exp(log_p), q = engine::exp(log_q);
  constexpr real kFloor = real(1e-30);  // p and q may both underflow to 0
  const Tensor log_m = engine::log((p + q) * real(0.5) + Tensor::scalar(kFloor));
  return sum(p * (log_p - log_m) + q * (log_q - log_m)) * (real(0.5) / real(a.dim(0)));
}

}  // namespace nn
