// softmax and log-softmax over the last axis. Read engine/simd.h first: exp_sum is where the time goes.
#include <cmath>

#include "engine/ops.h"
#include "engine/parallel.h"
#include "engine/simd.h"

namespace engine {

// softmax: y_c = e^{x_c} / sum_c e^{x_c}
//   shapes    x [..., C]   ->   y [..., C]                                              R rows
//   backward  dx = y * (dy - sum_c y dy)
Tensor softmax(const Tensor& x) {
  const long C = x.dim(-1), R = C ? x.numel() / C : 0;
  Tensor y(x.shape());
  const real* xs = x.data();
  real* ys = y.data();
  parallel_rows(R, C, [=](long r) { simd::softmax(xs + r * C, ys + r * C, C); });
  return record("softmax", {x}, y, [=, kept = y.buffer()](const Tensor& out) {
    const real *yv = kept.data(), *dy = out.grad();
    real* dx = x.grad();
    parallel_rows(R, C, [=](long r) { simd::softmax_backward(yv + r * C, dy + r * C, dx + r * C, C); });
  });
}

// log_softmax: y_c = x_c - max - log sum_c e^{x_c - max}, in this order: their sum would cost large x their last digits
//   shapes    x [..., C]   ->   y [..., C]
//   backward  dx = dy - e^y sum_c dy
Tensor log_softmax(const Tensor& x) {
  const long C = x.dim(-1), R = C ? x.numel() / C : 0;
  Tensor y(x.shape());
  const real* xs = x.data();
  real* ys = y.data();
  parallel_rows(R, C, [=](long r) {
    const real* row = xs + r * C;
    const real shift = simd::max(row, C);
    const real log_sum = std::log(simd::exp_sum(row, shift, ys + r * C, C));
    for (long c = 0; c < C; ++c) ys[r * C + c] = row[c] - shift - log_sum;
  });
  return record("log_softmax", {x}, y, [=, kept = y.buffer()](const Tensor& out) {
    const real *yv = kept.data(), *dy = out.grad();
    real* dx = x.grad();
    parallel_rows(R, C, [=](long r) {
      const real total = simd::sum(dy + r * C, C);
      for (long i = r * C; i < (r + 1) * C; ++i) dx[i] += dy[i] - simd::exp(yv[i]) * total;
    });
  });
}

}  // namespace engine
