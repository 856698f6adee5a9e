// Rows of ragged attention values: their softmax, its logarithm, and the softmax's sparse siblings, which give most
// keys exactly nothing. Read engine/ragged.h first.
#include <algorithm>
#include <cmath>

#include "engine/ops.h"
#include "engine/parallel.h"
#include "engine/simd.h"

namespace engine {
namespace {

// body(i, seen) for every query of every head and sequence: its values begin at i of the flat tensor. Every row is one
// thread's.
template <class Body>
void for_each_row(const Ragged& layout, Body body) {
  parallel_tasks(layout.sequences() * layout.heads, [&](long task) {
    const long b = task / layout.heads, columns = layout.key_count(b);
    long i = layout.block(b, task % layout.heads);
    for (long query = 0; query < layout.query_count(b); ++query, i += columns) body(i, layout.seen(b, query));
  });
}

// What a query sees of its row, side by side: where it stands, or, when it is two pieces, in scratch of the calling
// thread.
const real* side_by_side(const real* row, const Ragged::Seen& seen, std::vector<real>& space) {
  if (!seen.globals) return row + seen.first;
  space.assign(row, row + seen.globals);
  space.insert(space.end(), row + seen.first, row + seen.last);
  return space.data();
}

// y = f(x), row by row: f(x, y, n) for the n keys that a query sees; y of the others is 0.
template <class F>
Tensor map_rows(const Tensor& x, const Ragged& layout, F f) {
  Tensor y = Tensor::zeros(x.shape());
  const real* xs = x.data();
  real* ys = y.data();
  for_each_row(layout, [&](long i, const Ragged::Seen& seen) {
    thread_local std::vector<real> in, out;
    const real* from = side_by_side(xs + i, seen, in);
    if (!seen.globals) return f(from, ys + i + seen.first, seen.count());
    out.resize(seen.count());
    f(from, out.data(), seen.count());
    std::copy_n(out.data(), seen.globals, ys + i);
    std::copy(out.begin() + seen.globals, out.end(), ys + i + seen.first);
  });
  return y;
}

// dx += f(y, dy), row by row: f(y, dy, dx, n) adds to dx.
template <class F>
void map_rows_backward(const real* y, const real* dy, real* dx, const Ragged& layout, F f) {
  for_each_row(layout, [&](long i, const Ragged::Seen& seen) {
    thread_local std::vector<real> of_y, of_dy, sum;
    const real *from = side_by_side(y + i, seen, of_y), *slope = side_by_side(dy + i, seen, of_dy);
    if (!seen.globals) return f(from, slope, dx + i + seen.first, seen.count());
    sum.assign(seen.count(), 0);
    f(from, slope, sum.data(), seen.count());
    simd::add(dx + i, sum.data(), seen.globals);
    simd::add(dx + i + seen.first, sum.data() + seen.globals, seen.last - seen.first);
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
    if (xk != xk) {
      x.clear();
      return x;
    }
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

// ragged_softmax: softmax of each query's scores over the keys it sees; the others get probability 0.
//   shapes    s [S]   ->   p [S]
//   backward  ds = p (dp - sum_j p dp)
Tensor ragged_softmax(const Tensor& scores, const Ragged& layout) {
  check_scores("ragged_softmax", scores, layout);
  const Tensor p = map_rows(scores, layout, simd::softmax);
  return record("ragged_softmax", {scores}, p, [=, kept = p.buffer()](const Tensor& out) {
    map_rows_backward(kept.data(), out.grad(), scores.grad(), layout, simd::softmax_backward);
  });
}

// ragged_log_softmax: the logarithm of ragged_softmax; keys that the query does not see get 0.
//   shapes    s [S]   ->   y [S]
//   forward   y = s - max - log sum_j exp(s_j - max) over the keys that the query sees
//   backward  ds = dy - exp(y) sum_j dy_j
Tensor ragged_log_softmax(const Tensor& scores, const Ragged& layout) {
  check_scores("ragged_log_softmax", scores, layout);
  const Tensor y = map_rows(scores, layout, [](const real* s, real* to, long n) {
    const real top = simd::max(s, n);
    const real log_sum = std::log(simd::exp_sum(s, top, to, n));
    for (long j = 0; j < n; ++j) to[j] = s[j] - top - log_sum;
  });
  return record("ragged_log_softmax", {scores}, y, [=, kept = y.buffer()](const Tensor& out) {
    const auto slopes = [](const real* yv, const real* dy, real* ds, long n) {
      const real total = simd::sum(dy, n);
      for (long j = 0; j < n; ++j) ds[j] += dy[j] - simd::exp(yv[j]) * total;
    };
    map_rows_backward(kept.data(), out.grad(), scores.grad(), layout, slopes);
  });
}

// ragged_sparsemax: the point of the simplex that is nearest to the scores (Martins & Astudillo 2016).
//   shapes    s [S]   ->   p [S]
//   forward   p = max(0, s - tau), with the one tau that makes a row sum to 1
//   backward  on the support (p > 0) ds = dp - mean of dp over the support, elsewhere 0
Tensor ragged_sparsemax(const Tensor& scores, const Ragged& layout) {
  check_scores("ragged_sparsemax", scores, layout);
  const Tensor p = map_rows(scores, layout, [](const real* s, real* to, long n) {
    const real top = simd::max(s, n), tau = sparsemax_threshold(s, n, top);
    for (long j = 0; j < n; ++j) to[j] = relu(s[j] - top - tau);
  });
  return record("ragged_sparsemax", {scores}, p, [=, kept = p.buffer()](const Tensor& out) {
    const auto slopes = [](const real* pv, const real* dp, real* ds, long n) {
      real total = 0, count = 0;
      for (long j = 0; j < n; ++j) {
        if (!(pv[j] > 0)) continue;
        total += dp[j];
        count += 1;
      }
      for (long j = 0; j < n; ++j)
        if (pv[j] > 0) ds[j] += dp[j] - total / count;
    };
    map_rows_backward(kept.data(), out.grad(), scores.grad(), layout, slopes);
  });
}

// ragged_entmax15: half way between softmax and sparsemax (Peters, Niculae, Martins 2019: alpha-entmax, alpha = 1.5).
//   shapes    s [S]   ->   p [S]
//   forward   p = max(0, s/2 - tau)^2, with the one tau that makes a row sum to 1
//   backward  with g = sqrt(p):  ds = g dp - g (sum_j g dp) / (sum_j g)
Tensor ragged_entmax15(const Tensor& scores, const Ragged& layout) {
  check_scores("ragged_entmax15", scores, layout);
  const Tensor p = map_rows(scores, layout, [](const real* s, real* to, long n) {
    const real top = simd::max(s, n), tau = entmax15_threshold(s, n, top);
    for (long j = 0; j < n; ++j) {
      const real root = relu((s[j] - top) / 2 - tau);
      to[j] = root * root;
    }
  });
  return record("ragged_entmax15", {scores}, p, [=, kept = p.buffer()](const Tensor& out) {
    const auto slopes = [](const real* pv, const real* dp, real* ds, long n) {
      real along = 0, total = 0;
      for (long j = 0; j < n; ++j) {
        along += std::sqrt(pv[j]) * dp[j];
        total += std::sqrt(pv[j]);
      }
      for (long j = 0; j < n; ++j) ds[j] += std::sqrt(pv[j]) * (dp[j] - along / total);
    };
    map_rows_backward(kept.data(), out.grad(), scores.grad(), layout, slopes);
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

// ragged_received: the attention that each key receives, summed over heads and queries; without a gradient. What
// self_attention() returns on request.
//   shapes    p [S]   ->   [Nk]
Tensor ragged_received(const Tensor& probs, const Ragged& layout) {
  check_scores("ragged_received", probs, layout);
  Tensor y = Tensor::zeros({layout.keys.back()});
  const real* p = probs.data();
  parallel_tasks(layout.sequences(), [&](long b) {
    const long keys = layout.key_count(b), rows = layout.query_count(b);
    std::vector<real> of_head(keys);
    for (long h = 0; h < layout.heads; ++h) {
      of_head.assign(keys, 0);
      for (long query = 0; query < rows; ++query)
        simd::add(of_head.data(), p + layout.block(b, h) + query * keys, keys);
      simd::add(y.data() + layout.keys[b], of_head.data(), keys);
    }
  });
  return not_differentiable("ragged_received", {probs}, y);
}

}  // namespace engine
