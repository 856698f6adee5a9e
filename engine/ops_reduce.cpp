// Reductions to a scalar and over one axis. Read engine/parallel.h first: why sums go over fixed blocks.
#include "engine/ops.h"
#include "engine/parallel.h"
#include "engine/simd.h"

namespace engine {
namespace {

// y = sum(x) / n,   dx += dy / n
Tensor sum_over(const char* op, const Tensor& x, real n) {
  const real* xs = x.data();
  const double total =
      blockwise_sum(x.numel(), [=](long begin, long end) { return simd::sum(xs + begin, end - begin); });
  return record(op, {x}, Tensor::scalar(real(total / n)), [=](const Tensor& y) {
    const real d = y.grad()[0] / n;
    real* dx = x.grad();
    parallel_blocks(x.numel(), [=](long begin, long end) {
      for (long i = begin; i < end; ++i) dx[i] += d;
    });
  });
}

// y[o, i] = sum_j x[o, j, i] / n,   dx[o, j, i] += dy[o, i] / n
Tensor sum_over(const char* op, const Tensor& x, int axis, real n) {
  const AxisView a(x.shape(), x.axis(op, axis));
  Tensor y = Tensor::zeros(x.shape().without(axis));
  const real* xs = x.data();
  real* ys = y.data();
  parallel_rows(a.outer, a.n * a.inner, [=](long o) {
    for (long i = 0; i < a.inner; ++i) {
      double sum = 0;
      for (long j = 0; j < a.n; ++j) sum += xs[(o * a.n + j) * a.inner + i];
      ys[o * a.inner + i] = real(sum / n);
    }
  });
  return record(op, {x}, y, [=](const Tensor& out) {
    const real* dy = out.grad();
    real* dx = x.grad();
    parallel_rows(a.outer, a.n * a.inner, [=](long o) {
      for (long j = 0; j < a.n; ++j)
        for (long i = 0; i < a.inner; ++i) dx[(o * a.n + j) * a.inner + i] += dy[o * a.inner + i] / n;
    });
  });
}

}  // namespace

Tensor sum(const Tensor& x) { return sum_over("sum", x, 1); }

Tensor mean(const Tensor& x) {
  check(x.numel() > 0, "mean: of nothing; got {}", x);
  return sum_over("mean", x, real(x.numel()));
}

Tensor sum(const Tensor& x, int axis) { return sum_over("sum", x, axis, 1); }

Tensor mean(const Tensor& x, int axis) {
  check(x.dim(x.axis("mean", axis)) > 0, "mean: of nothing over axis {}; got {}", axis, x);
  return sum_over("mean", x, axis, real(x.dim(axis)));
}

namespace {

// Where the first largest of n numbers stands; a NaN is the largest of all.
int first_largest(const real* x, long n, long stride) {
  long best = 0;
  for (long j = 1; j < n; ++j) {
    const real v = x[j * stride], top = x[best * stride];
    if (v > top || (v != v && top == top)) best = j;
  }
  return int(best);
}

}  // namespace

// max: y[o, i] = x[o, j*, i] with j* the first largest,   dx[o, j*, i] += dy[o, i]
Tensor max(const Tensor& x, int axis) {
  const AxisView a(x.shape(), x.axis("max", axis));
  check(a.n > 0, "max: of nothing over axis {}; got {}", axis, x);
  Tensor y(x.shape().without(axis));
  std::vector<int> where(y.numel());
  const real* xs = x.data();
  for (long o = 0; o < a.outer; ++o)
    for (long i = 0; i < a.inner; ++i) {
      const real* column = xs + o * a.n * a.inner + i;
      const int best = where[o * a.inner + i] = first_largest(column, a.n, a.inner);
      y.data()[o * a.inner + i] = column[best * a.inner];
    }
  return record("max", {x}, y, [=, where = std::move(where)](const Tensor& out) {
    const real* dy = out.grad();
    real* dx = x.grad();
    for (long o = 0; o < a.outer; ++o)
      for (long i = 0; i < a.inner; ++i) dx[(o * a.n + where[o * a.inner + i]) * a.inner + i] += dy[o * a.inner + i];
  });
}

// y[r] = the column of the first largest of row r
Tensor argmax(const Tensor& x) {
  const long C = x.dim(-1), R = C ? x.numel() / C : 0;
  check(C > 0, "argmax: of nothing; got {}", x);
  check(C <= 1L << std::numeric_limits<real>::digits, "argmax: a column beyond {} is no {}; got {}",
        1L << std::numeric_limits<real>::digits, sizeof(real) == 4 ? "float" : "double", x);
  Tensor y(x.shape().without(-1));
  for (long r = 0; r < R; ++r) y.data()[r] = real(first_largest(x.data() + r * C, C, 1));
  return not_differentiable("argmax", {x}, y);
}

}  // namespace engine
