// Rows of ragged attention values: the logarithm of their softmax, and the softmax's sparse siblings, which give most
// keys exactly nothing. Read the comment at Ragged in engine/ops.h and ragged_softmax in engine/ops_attention.cpp first.
#include <algorithm>
#include <cmath>

#include "engine/ops.h"
#include "engine/parallel.h"
#include "engine/simd.h"

namespace engine {
namespace {

// Calls body(i, n, columns) for every query of every head and sequence: its values are i ... i + columns - 1 of the flat
// tensor, and it may see the first n of them. Every row is one thread's.
template <class Body>
void for_each_row(const Ragged& layout, Body body) {
  parallel_tasks(layout.sequences() * layout.heads, [&](long task) {
    const long b = task / layout.heads, columns = layout.key_count(b);
    long i = layout.block(b, task % layout.heads);
    for (long query = 0; query < layout.query_count(b); ++query, i += columns)
      body(i, layout.visible(b, query), columns);
  });
}

void check_scores(const char* op, const Tensor& scores, const Ragged& layout) {
  check(scores.shape() == Shape{layout.size()}, "{}: the layout has {} scores; got {}", op, layout.size(), scores);
}

real relu(real x) { return x > 0 ? x : x == x ? real(0) : x; }  // a NaN stays one

// A row less its largest number `top`, in falling order, without what no threshold lets through: p has room for 1, so
// tau >= -1. Empty when the row has a NaN, which cannot be sorted. Scratch of the calling thread.
const std::vector<real>& sorted(const real* row, long n, real top, real scale) {
  thread_local std::vector<real> x;
  x.clear();
  for (long k = 0; k < n; ++k) {
    const real xk = scale * (row[k] - top);
    if (xk > -1) x.push_back(xk);
    if (xk != xk) return x.clear(), x;
  }
  std::sort(x.begin(), x.end(), std::greater<>());
  return x;
}

// The threshold tau of sparsemax: p = max(0, x - tau) with x = s - top sums to 1. NaN when there is none.
real sparsemax_threshold(const real* s, long n, real top) {
  double sum = 0, count = 0, tau = NAN;
  for (const double x : sorted(s, n, top, 1)) {
    sum += x;
    count += 1;
    if (1 + count * x <= sum) break;
    tau = (sum - 1) / count;
  }
  return real(tau);
}

// The threshold tau of 1.5-entmax: p = max(0, x - tau)^2 with x = (s - top) / 2 sums to 1. NaN when there is none.
real entmax15_threshold(const real* s, long n, real top) {
  double sum = 0, squares = 0, count = 0, tau = NAN;
  for (const double x : sorted(s, n, top, real(0.5))) {
    sum += x;
    squares += x * x;
    count += 1;
    const double mean = sum / count, delta = (1 - (squares - sum * mean)) / count;
    const double candidate = mean - std::sqrt(std::max(delta, 0.));
    if (candidate > x) break;
    tau = candidate;
  }
  return real(tau);
}

}  // namespace

// ragged_log_softmax: the logarithm of ragged_softmax; keys that a causal layout hides get 0.
//   shapes    s [S]   ->   y [S]
//   forward   y = s - log sum_j exp(s_j) over the keys that the query sees
//   backward  ds = dy - exp(y) sum_j dy_j
Tensor ragged_log_softmax(const Tensor& scores, const Ragged& layout) {
  check_scores("ragged_log_softmax", scores, layout);
  Tensor y = Tensor::zeros(scores.shape());
  const real* s = scores.data();
  real* to = y.data();
  for_each_row(layout, [&](long i, long n, long) {
    const real top = simd::max(s + i, n);
    const real log_sum = top + std::log(simd::exp_sum(s + i, top, to + i, n));
    for (long j = i; j < i + n; ++j) to[j] = s[j] - log_sum;
  });
  return record("ragged_log_softmax", {scores}, y, [=, kept = y.buffer()](const Tensor& out) {
    const real *yv = kept.data(), *dy = out.grad();
    real* ds = scores.grad();
    for_each_row(layout, [&](long i, long n, long) {
      const real total = simd::sum(dy + i, n);
      for (long j = i; j < i + n; ++j) ds[j] += dy[j] - simd::exp(yv[j]) * total;
    });
  });
}

// ragged_sparsemax: the point of the simplex that is nearest to the scores (Martins & Astudillo 2016).
//   shapes    s [S]   ->   p [S]
//   forward   p = max(0, s - tau), with the one tau that makes a row sum to 1
//   backward  on the support (p > 0) ds = dp - mean of dp over the support, elsewhere 0
Tensor ragged_sparsemax(const Tensor& scores, const Ragged& layout) {
  check_scores("ragged_sparsemax", scores, layout);
  Tensor p = Tensor::zeros(scores.shape());
  const real* s = scores.data();
  real* ps = p.data();
  for_each_row(layout, [&](long i, long n, long) {
    const real top = simd::max(s + i, n), tau = sparsemax_threshold(s + i, n, top);
    for (long j = i; j < i + n; ++j) ps[j] = relu(s[j] - top - tau);
  });
  return record("ragged_sparsemax", {scores}, p, [=, kept = p.buffer()](const Tensor& out) {
    const real *pv = kept.data(), *dp = out.grad();
    real* ds = scores.grad();
    for_each_row(layout, [&](long i, long n, long) {
      real total = 0, count = 0;
      for (long j = i; j < i + n; ++j)
        if (pv[j] > 0) total += dp[j], count += 1;
      for (long j = i; j < i + n; ++j)
        if (pv[j] > 0) ds[j] += dp[j] - total / count;
    });
  });
}

// ragged_entmax15: half way between softmax and sparsemax (Peters, Niculae, Martins 2019: alpha-entmax, alpha = 1.5).
//   shapes    s [S]   ->   p [S]
//   forward   p = max(0, s/2 - tau)^2, with the one tau that makes a row sum to 1
//   backward  with g = sqrt(p):  ds = g dp - g (sum_j g dp) / (sum_j g)
Tensor ragged_entmax15(const Tensor& scores, const Ragged& layout) {
  check_scores("ragged_entmax15", scores, layout);
  Tensor p = Tensor::zeros(scores.shape());
  const real* s = scores.data();
  real* ps = p.data();
  for_each_row(layout, [&](long i, long n, long) {
    const real top = simd::max(s + i, n), tau = entmax15_threshold(s + i, n, top);
    for (long j = i; j < i + n; ++j) {
      const real root = relu((s[j] - top) / 2 - tau);
      ps[j] = root * root;
    }
  });
  return record("ragged_entmax15", {scores}, p, [=, kept = p.buffer()](const Tensor& out) {
    const real *pv = kept.data(), *dp = out.grad();
    real* ds = scores.grad();
    for_each_row(layout, [&](long i, long n, long) {
      real along = 0, total = 0;
      for (long j = i; j < i + n; ++j) along += std::sqrt(pv[j]) * dp[j], total += std::sqrt(pv[j]);
      for (long j = i; j < i + n; ++j) ds[j] += std::sqrt(pv[j]) * (dp[j] - along / total);
    });
  });
}

// ragged_mean_heads: the mean over the heads.
//   shapes    x [S] of H heads   ->   y [S / H], of the same layout with one head
//   backward  dx = dy / H, for every head
Tensor ragged_mean_heads(const Tensor& x, const Ragged& layout) {
  check_scores("ragged_mean_heads", x, layout);
  const long H = layout.heads;
  Tensor y = Tensor::zeros({layout.size() / H});
  const real* from = x.data();
  real* to = y.data();
  const auto for_each_pair = [layout, H](auto body) {  // body(index of x, index of y); a sequence is one thread's
    parallel_tasks(layout.sequences(), [&](long b) {
      const long size = layout.query_count(b) * layout.key_count(b), start = layout.blocks[b];
      for (long h = 0; h < H; ++h)
        for (long i = 0; i < size; ++i) body(start + h * size + i, start / H + i);
    });
  };
  for_each_pair([&](long i, long j) { to[j] += from[i] / real(H); });
  return record("ragged_mean_heads", {x}, y, [=](const Tensor& out) {
    const real* dy = out.grad();
    real* dx = x.grad();
    for_each_pair([&](long i, long j) { dx[i] += dy[j] / real(H); });
  });
}

}  // namespace engine
