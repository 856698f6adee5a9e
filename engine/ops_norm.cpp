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

  // dx = s * (g - mean(g) - h * mean(g * h)) of one row
  void backward(long r, const real* x, const real* dy, real* dx) const {
    const real *gv = gamma.data(), m = mean[r], scale = s[r];
    real g_sum = 0, gh_sum = 0;
#pragma omp simd reduction(+ : g_sum, gh_sum)
    for (long c = 0; c < C; ++c) {
      const real g = gv[c] * dy[c];
      g_sum += g;
      gh_sum += g * (x[c] - m) * scale;
    }
    g_sum /= C, gh_sum /= C;
    for (long c = 0; c < C; ++c) dx[c] = scale * (gv[c] * dy[c] - g_sum - (x[c] - m) * scale * gh_sum);
  }

  // dgamma += sum_r dy * h,   dbeta += sum_r dy: strips of columns, each from the first row to the last
  void parameter_gradients(const real* x, const real* dy) const {
    if (beta.wants_grad()) add_column_sums(dy, R, C, C, beta.grad());
    if (!gamma.wants_grad()) return;
    const Buffer dy_h(R * C);
    real* product = dy_h.data();
    parallel_rows(R, C, [&](long r) {
      const real m = mean[r], scale = s[r];
      for (long i = r * C; i < (r + 1) * C; ++i) product[i] = dy[i] * (x[i] - m) * scale;
    });
    add_column_sums(dy_h.data(), R, C, C, gamma.grad());
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
    if (x.wants_grad()) {
      real* dx = x.grad();
      parallel_rows(norm.R, C, [&](long r) {
        thread_local std::vector<real> row;
        row.resize(C);
        norm.backward(r, xv + r * C, dy + r * C, row.data());
        simd::add(dx + r * C, row.data(), C);
      });
    }
    norm.parameter_gradients(xv, dy);
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
  return record("dropout_add_norm", {x, residual, gamma, beta}, y,
                [=, x = x.without_values(), residual = residual.without_values()](const Tensor& out) {
                  const real* dy = out.grad();
                  real* dx = x.wants_grad() ? x.grad() : nullptr;
                  real* dresidual = residual.wants_grad() ? residual.grad() : nullptr;
                  parallel_rows(norm.R, C, [&](long r) {
                    thread_local std::vector<real> row;
                    row.resize(C);
                    norm.backward(r, z.data() + r * C, dy + r * C, row.data());
                    if (dresidual) simd::add(dresidual + r * C, row.data(), C);
                    if (dx && mask.active()) mask.apply(r * C, C, row.data(), row.data());
                    if (dx) simd::add(dx + r * C, row.data(), C);
                  });
                  norm.parameter_gradients(z.data(), dy);
                });
}

}  // namespace engine
