// The linear layer, alone and with the gelu that follows it in a transformer. Read engine/blas.h first: a tile of the
// product is finished (bias, activation) by the thread that made it, while it is in the cache.
#include "engine/blas.h"
#include "engine/gelu.h"
#include "engine/ops.h"
#include "engine/parallel.h"

namespace engine {
namespace {

// R rows of I inputs become R rows of O outputs.
struct LinearSizes {
  LinearSizes(const char* op, const Tensor& x, const Tensor& weight, const Tensor& bias) {
    check(weight.shape().rank() == 2 && x.shape().rank() >= 1 && x.dim(-1) == weight.dim(1),
          "{}: the last axis of x must be the inputs of weight [outputs, inputs]; got x {}, weight {}", op, x, weight);
    O = weight.dim(0), I = weight.dim(1), R = 1;
    for (int axis = 0; axis + 1 < x.shape().rank(); ++axis) R *= x.dim(axis);
    check(!bias || bias.shape() == Shape{O}, "{}: bias must be [{}], the outputs of weight {}; got {}", op, O, weight,
          bias);
  }
  long O, I, R;
};

// u = x W^T, and finish(row of u, first column, number of columns) for every part of a row when it is done.
template <class Finish>
void forward(const LinearSizes& z, const Tensor& x, const Tensor& weight, real* u, Finish finish) {
  gemm(z.R, z.O, z.I, 1, {x.data(), z.I}, {weight.data(), z.I, true}, 0, u, z.O,
       [&](long row, long rows, long column, long columns) {
         for (long r = row; r < row + rows; ++r) finish(r, column, columns);
       });
}

// dx += du W,   dW += du^T x,   db += sum_r du
void backward(const LinearSizes& z, const Tensor& x, const Tensor& weight, const Tensor& bias, const real* du) {
  if (x.wants_grad()) {
    const auto dx = x.grad_accumulator();
    gemm(z.R, z.I, z.O, 1, {du, z.O}, {weight.data(), z.I}, dx.beta, dx.data, z.I);
  }
  if (weight.wants_grad()) {
    const auto dW = weight.grad_accumulator();
    gemm(z.O, z.I, z.R, 1, {du, z.O, true}, {x.data(), z.I}, dW.beta, dW.data, z.I);
  }
  if (bias && bias.wants_grad()) add_column_sums(du, z.R, z.O, bias.grad());
}

std::vector<Tensor> inputs_of(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return bias ? std::vector<Tensor>{x, weight, bias} : std::vector<Tensor>{x, weight};
}

}  // namespace

// linear: y = x W^T + b, the weight stored as published checkpoints store it, [outputs, inputs].
//   shapes    x [..., I]   weight [O, I]   bias [O] or none   ->   y [..., O]           R rows of x
//   backward  dx = dy W,   dW = dy^T x,   db = sum_r dy
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const LinearSizes z("linear", x, weight, bias);
  Tensor y(x.shape().with(-1, z.O));
  const real* b = bias ? bias.data() : nullptr;
  real* ys = y.data();
  forward(z, x, weight, ys, [=](long r, long first, long columns) {
    if (b) simd::add(ys + r * z.O + first, b + first, columns);
  });
  return record("linear", inputs_of(x, weight, bias), y,
                [=](const Tensor& out) { backward(z, x, weight, bias, out.grad()); });
}

// linear_gelu: y = gelu(u), u = x W^T + b, in one pass over u.
//   shapes    as linear
//   backward  du = gelu'(u) dy,   then as linear. u is kept.
Tensor linear_gelu(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const LinearSizes z("linear_gelu", x, weight, bias);
  check(bool(bias), "linear_gelu: a bias is needed");
  Tensor y(x.shape().with(-1, z.O));
  const Buffer u(z.R * z.O);
  const real* b = bias.data();
  real* ys = y.data();
  forward(z, x, weight, u.data(), [=](long r, long first, long columns) {
    real *ur = u.data() + r * z.O + first, *yr = ys + r * z.O + first;
    for (long c = 0; c < columns; ++c) {
      ur[c] += b[first + c];
      yr[c] = gelu_value(ur[c]);
    }
  });
  return record("linear_gelu", inputs_of(x, weight, bias), y, [=](const Tensor& out) {
    const real* dy = out.grad();
    const Buffer du(z.R * z.O);
    parallel_blocks(du.size(), [=](long begin, long end) {
      for (long i = begin; i < end; ++i) du[i] = gelu_slope(u[i]) * dy[i];
    });
    backward(z, x, weight, bias, du.data());
  });
}

}  // namespace engine
