// Layer normalisation, alone and with the dropout and the residual before it. The backward needs the normalised rows;
// it makes them again from the row and two numbers. Read engine/ops_softmax.cpp first: one row at a time, as there.
#include <cmath>

#include "engine/ops.h"
#include "engine/parallel.h"
#include "engine/simd.h"

namespace engine {
namespace {

void check_sizes(const char* op, const Tensor& x, const Tensor& gamma, const Tensor& beta) {
  const long C = x.dim(-1);
  check(gamma.shape() == Shape{C} && beta.shape() == Shape{C},
        "{}: gamma and beta must be [{}], the last axis of x; got x {}, gamma {}, beta {}", op, C, x, gamma, beta);
}

// What backward keeps of R rows: the rows themselves are somebody else's.
struct Norm {
  Norm(const Tensor& x, const Tensor& gamma_, const Tensor& beta_, real eps_)
      : C(x.dim(-1)), R(C ? x.numel() / C : 0), gamma(gamma_), beta(beta_), eps(eps_), mean(R), s(R) {}

  void forward(long r, const real* x, real* y) const {
    const real *g = gamma.data(), *b = beta.data();
    const real m = simd::sum(x, C) / C;
    real squares = 0;
#pragma omp simd reduction(+ : squares)
    for (long c = 0; c < C; ++c) squares += (x[c] - m) * (x[c] - m);
    const real scale = 1 / std::sqrt(squares / C + eps);
    for (long c = 0; c < C; ++c) y[c] = (x[c] - m) * scale * g[c] + b[c];
    mean[r] = m;
    s[r] = scale;
  }

  // dx = s * (g - mean(g) - h * mean(g * h)) + keep dx of one row, keep 0 or 1; dx may be x
  void backward(long r, const real* x, const real* dy, real* dx, real keep) const {
    const real *gv = gamma.data(), m = mean[r], scale = s[r];
    real g_sum = 0, gh_sum = 0;
#pragma omp simd reduction(+ : g_sum, gh_sum)
    for (long c = 0; c < C; ++c) {
      const real g = gv[c] * dy[c];
      g_sum += g;
      gh_sum += g * (x[c] - m) * scale;
    }
    g_sum /= C;
    gh_sum /= C;
    for (long c = 0; c < C; ++c) {
      const real slope = scale * (gv[c] * dy[c] - g_sum - (x[c] - m) * scale * gh_sum);
      dx[c] = keep == 0 ? slope : slope + dx[c];
    }
  }

  // dgamma += sum_r dy * h,   dbeta += sum_r dy: strips of columns, each from the first row to the last
  void parameter_gradients(const real* x, const real* dy) const {
    constexpr long kStrip = 64;
    real* dgamma = gamma.wants_grad() ? gamma.grad() : nullptr;
    real* dbeta = beta.wants_grad() ? beta.grad() : nullptr;
    parallel_rows((C + kStrip - 1) / kStrip, R * kStrip, [&](long strip) {
      const long first = strip * kStrip, width = std::min(kStrip, C - first);
      double by_gamma[kStrip] = {}, by_beta[kStrip] = {};
      for (long r = 0; r < R; ++r) {
        const real *xr = x + r * C + first, *dyr = dy + r * C + first, m = mean[r], scale = s[r];
        for (long c = 0; c < width; ++c) {
          by_gamma[c] += dyr[c] * (xr[c] - m) * scale;
          by_beta[c] += dyr[c];
        }
      }
      for (long c = 0; c < width; ++c) {
        if (dgamma) dgamma[first + c] += real(by_gamma[c]);
        if (dbeta) dbeta[first + c] += real(by_beta[c]);
      }
    });
  }

  long C, R;
  Tensor gamma, beta;
  real eps;
  Buffer mean, s;
};

}  // namespace

// layer_norm: centre and scale each row over the last axis, then apply gamma and beta (Ba, Kiros, Hinton 2016).
//   shapes    x [..., C]   gamma [C]   beta [C]   ->   y [..., C]                       R rows
//   forward   h = (x - mean(x)) * s,   s = 1 / sqrt(var(x) + eps),   y = gamma * h + beta       (var with 1/C)
//   backward  g = gamma * dy,   dx = s * (g - mean(g) - h * mean(g * h)),   dgamma = sum_r dy * h,   dbeta = sum_r dy
Tensor layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, real eps) {
  check_sizes("layer_norm", x, gamma, beta);
  const Norm norm(x, gamma, beta, eps);
  const long C = norm.C;
  Tensor y(x.shape());
  const real* xs = x.data();
  real* ys = y.data();
  parallel_rows(norm.R, C, [&](long r) { norm.forward(r, xs + r * C, ys + r * C); });
  return record("layer_norm", {x, gamma, beta}, y, [=](const Tensor& out) {
    const real *xv = x.data(), *dy = out.grad();
    norm.parameter_gradients(xv, dy);
    if (!x.wants_grad()) return;
    const auto dx = x.grad_accumulator();
    parallel_rows(norm.R, C, [&](long r) { norm.backward(r, xv + r * C, dy + r * C, dx.data + r * C, dx.beta); });
  });
}

// dropout_add_norm: y = layer_norm(z), z = dropout(x) + residual: the end of either half of a transformer layer.
//   shapes    x, residual [..., C]   gamma, beta [C]   ->   y [..., C]
//   backward  dz as layer_norm's dx,   dresidual = dz,   dx = mask dz / (1 - p). z is kept, the mask drawn again.
Tensor dropout_add_norm(const Tensor& x, const Tensor& residual, const Tensor& gamma, const Tensor& beta, real eps,
                        const DropoutMask& mask) {
  check(x.shape() == residual.shape(), "dropout_add_norm: x and residual must have one shape; got {} and {}", x,
        residual);
  check_sizes("dropout_add_norm", x, gamma, beta);
  mask.check_probability("dropout_add_norm");
  const Norm norm(x, gamma, beta, eps);
  const long C = norm.C;
  Tensor y(x.shape());
  const Buffer z(x.numel());
  const real *xs = x.data(), *res = residual.data();
  real *ys = y.data(), *zs = z.data();
  parallel_rows(norm.R, C, [&](long r) {
    real* row = zs + r * C;
    if (mask.active())
      mask.apply(r * C, C, xs + r * C, row);
    else
      std::copy_n(xs + r * C, C, row);
    simd::add(row, res + r * C, C);
    norm.forward(r, row, ys + r * C);
  });
  const auto flow = [=, z = z, x = x.without_values(),
                     residual = residual.without_values()](const Tensor& out) mutable {
    const real* dy = out.grad();
    norm.parameter_gradients(z.data(), dy);
    const Buffer in_place = use_up(z);
    const auto dresidual = residual.wants_grad() ? residual.grad_accumulator() : Tensor::Accumulator{};
    const auto dx = x.wants_grad() ? x.grad_accumulator() : Tensor::Accumulator{};
    parallel_rows(norm.R, C, [&](long r) {
      real* dz = in_place.data() + r * C;  // takes the place of z
      norm.backward(r, dz, dy + r * C, dz, 0);
      if (dresidual.data) simd::accumulate(dresidual.data + r * C, dz, C, dresidual.beta);
      if (dx.data && mask.active()) mask.apply(r * C, C, dz, dz);
      if (dx.data) simd::accumulate(dx.data + r * C, dz, C, dx.beta);
    });
  };
  return record("dropout_add_norm", {x, residual, gamma, beta}, y, flow);
}

}  // namespace engine
