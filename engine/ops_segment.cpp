// Pooling over the rows of a sequence: one weight per row and head. Read engine/ops_attention.cpp first: the same two
// steps with one query a head, and rows of any length.
#include <cmath>

#include "engine/ops.h"
#include "engine/parallel.h"
#include "engine/simd.h"

namespace engine {
namespace {

void check_segments(const char* op, const Tensor& x, const Indices& offsets) {
  check(x.shape().rank() == 2 && offsets.size() >= 2 && offsets[0] == 0 && offsets.back() == x.dim(0),
        "{}: offsets must run from 0 to the rows of a matrix [N, ...]; got {}", op, x);
  for (size_t b = 0; b + 1 < offsets.size(); ++b)
    check(offsets[b] < offsets[b + 1], "{}: sequence {} has no rows", op, b);
}

}  // namespace

// segment_softmax: softmax down the rows of each sequence, every column for itself.
//   shapes    x [N, H]   offsets [B + 1]   ->   a [N, H]
//   backward  dx = a (da - sum_t a da)
Tensor segment_softmax(const Tensor& scores, const Indices& offsets) {
  check_segments("segment_softmax", scores, offsets);
  const long H = scores.dim(1), B = long(offsets.size()) - 1;
  Tensor a(scores.shape());
  const real* x = scores.data();
  real* y = a.data();
  parallel_rows(B, offsets.back() * H / B, [&](long b) {
    for (long h = 0; h < H; ++h) {
      real top = x[offsets[b] * H + h], total = 0;
      for (long t = offsets[b]; t < offsets[b + 1]; ++t) top = std::max(top, x[t * H + h]);
      for (long t = offsets[b]; t < offsets[b + 1]; ++t) total += y[t * H + h] = simd::exp(x[t * H + h] - top);
      for (long t = offsets[b]; t < offsets[b + 1]; ++t) y[t * H + h] /= total;
    }
  });
  return record("segment_softmax", {scores}, a, [=, kept = a.buffer()](const Tensor& out) {
    const real *p = kept.data(), *dp = out.grad();
    real* dx = scores.grad();
    parallel_rows(B, offsets.back() * H / B, [&](long b) {
      for (long h = 0; h < H; ++h) {
        real along = 0;
        for (long t = offsets[b]; t < offsets[b + 1]; ++t) along += p[t * H + h] * dp[t * H + h];
        for (long t = offsets[b]; t < offsets[b + 1]; ++t) dx[t * H + h] += p[t * H + h] * (dp[t * H + h] - along);
      }
    });
  });
}

// segment_attend: the weighted sum of the rows of each sequence, once per head.
//   shapes    a [N, H]   x [N, C]   offsets [B + 1]   ->   y [B, H * C]
//   forward   y[b, h] = sum_t a[t, h] x[t]
//   backward  da[t, h] = x[t] . dy[b, h],   dx[t] = sum_h a[t, h] dy[b, h]
Tensor segment_attend(const Tensor& weights, const Tensor& x, const Indices& offsets) {
  check_segments("segment_attend", weights, offsets);
  check_segments("segment_attend", x, offsets);
  const long H = weights.dim(1), C = x.dim(1), B = long(offsets.size()) - 1;
  Tensor y = Tensor::zeros({B, H * C});
  const long work = offsets.back() * H * C / B;
  const real *a = weights.data(), *xs = x.data();
  real* ys = y.data();
  parallel_rows(B, work, [&](long b) {
    for (long t = offsets[b]; t < offsets[b + 1]; ++t)
      for (long h = 0; h < H; ++h)
        for (long c = 0; c < C; ++c) ys[(b * H + h) * C + c] += a[t * H + h] * xs[t * C + c];
  });
  return record("segment_attend", {weights, x}, y, [=](const Tensor& out) {
    const real *av = weights.data(), *xv = x.data(), *dy = out.grad();
    real* da = weights.wants_grad() ? weights.grad() : nullptr;
    real* dx = x.wants_grad() ? x.grad() : nullptr;
    parallel_rows(B, work, [&](long b) {
      for (long t = offsets[b]; t < offsets[b + 1]; ++t)
        for (long h = 0; h < H; ++h) {
          const real* d = dy + (b * H + h) * C;
          if (da) da[t * H + h] += simd::dot(xv + t * C, d, C);
          for (long c = 0; dx && c < C; ++c) dx[t * C + c] += av[t * H + h] * d[c];
        }
    });
  });
}

}  // namespace engine
