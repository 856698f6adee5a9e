// Layer normalisation. The backward needs the normalised rows; it makes them again from x and two numbers a row.
// Read engine/ops_softmax.cpp first: the same shape of code, one row at a time.
#include <cmath>

#include "engine/ops.h"
#include "engine/parallel.h"
#include "engine/simd.h"

namespace engine {

// layer_norm: centre and scale each row over the last axis, then apply gamma and beta (Ba, Kiros, Hinton 2016).
//   shapes    x [..., C]   gamma [C]   beta [C]   ->   y [..., C]                       R rows
//   forward   h = (x - mean(x)) * s,   s = 1 / sqrt(var(x) + eps),   y = gamma * h + beta       (var with 1/C)
//   backward  g = gamma * dy,   dx = s * (g - mean(g) - h * mean(g * h)),   dgamma = sum_r dy * h,   dbeta = sum_r dy
Tensor layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, real eps) {
  const long C = x.dim(-1), R = C ? x.numel() / C : 0;
  check(gamma.shape() == Shape{C} && beta.shape() == Shape{C},
        "layer_norm: gamma and beta must be [{}], the last axis of x; got x {}, gamma {}, beta {}", C, x, gamma, beta);
  Tensor y(x.shape());
  const Buffer mean(R), s(R);  // kept for backward: two numbers a row
  const real *xs = x.data(), *gammas = gamma.data(), *betas = beta.data();
  real* ys = y.data();
  parallel_rows(R, C, [=](long r) {
    const real* row = xs + r * C;
    const real m = simd::sum(row, C) / C;
    real squares = 0;
#pragma omp simd reduction(+ : squares)
    for (long c = 0; c < C; ++c) squares += (row[c] - m) * (row[c] - m);
    const real scale = 1 / std::sqrt(squares / C + eps);
    for (long c = 0; c < C; ++c) ys[r * C + c] = (row[c] - m) * scale * gammas[c] + betas[c];
    mean[r] = m;
    s[r] = scale;
  });
  return record("layer_norm", {x, gamma, beta}, y, [=](const Tensor& out) {
    const real *xv = x.data(), *gv = gamma.data(), *dy = out.grad();
    if (x.wants_grad()) {
      real* dx = x.grad();
      parallel_rows(R, C, [=](long r) {
        const real *row = xv + r * C, *d = dy + r * C;
        real g_sum = 0, gh_sum = 0;
#pragma omp simd reduction(+ : g_sum, gh_sum)
        for (long c = 0; c < C; ++c) {
          const real g = gv[c] * d[c];
          g_sum += g;
          gh_sum += g * (row[c] - mean[r]) * s[r];
        }
        for (long c = 0; c < C; ++c) {
          const real h = (row[c] - mean[r]) * s[r];
          dx[r * C + c] += s[r] * (gv[c] * d[c] - g_sum / C - h * gh_sum / C);
        }
      });
    }
    if (beta.wants_grad()) add_column_sums(dy, R, C, beta.grad());
    if (gamma.wants_grad()) {
      const Buffer dy_h(R * C);
      parallel_rows(R, C, [=](long r) {
        for (long c = 0; c < C; ++c) dy_h[r * C + c] = dy[r * C + c] * (xv[r * C + c] - mean[r]) * s[r];
      });
      add_column_sums(dy_h.data(), R, C, gamma.grad());
    }
  });
}

}  // namespace engine
