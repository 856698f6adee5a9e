// Losses on logits, each fused with its softmax or sigmoid: exact where the probability itself would be 0 or 1.
// Read engine/ops_softmax.cpp first.
#include <cmath>
#include <tuple>

#include "engine/ops.h"
#include "engine/parallel.h"
#include "engine/simd.h"

namespace engine {
namespace {

real weight_of(const CrossEntropyOptions& options, int k) {
  return options.class_weights.empty() ? real(1) : options.class_weights[k];
}

void check_targets(const Tensor& logits, const Indices& targets, const CrossEntropyOptions& o) {
  check(logits.shape().rank() == 2 && logits.dim(0) == long(targets.size()),
        "cross_entropy: logits must be [N, K] with one target a row; got logits {} and {} targets", logits,
        targets.size());
  const long K = logits.dim(1);
  check(o.class_weights.empty() || long(o.class_weights.size()) == K, "cross_entropy: {} class weights for logits {}",
        o.class_weights.size(), logits);
  check(o.label_smoothing >= 0 && o.label_smoothing <= 1, "cross_entropy: label smoothing must be in [0, 1]; got {}",
        o.label_smoothing);
  for (size_t i = 0; i < targets.size(); ++i)
    check(targets[i] == o.ignore_index || (targets[i] >= 0 && targets[i] < K),
          "cross_entropy: target {} of row {} is neither in [0, {}) nor {}, the index that is left out", targets[i], i,
          K, o.ignore_index);
}

// log p_k = x_k - top - log sum_j e^{x_j - top}; added up first, the last two would cost large x their last digits.
struct LogP {
  real top = 0, log_sum = 0;
  real operator()(real x) const { return x - top - log_sum; }
};

// (1 - e) w_y (-log p_y) + e/K sum_k w_k (-log p_k) of a row x [K] with target y
double cross_entropy_of_row(const real* x, long K, LogP log_p, int y, const CrossEntropyOptions& options) {
  const real e = options.label_smoothing;
  const double hard = -(1 - e) * double(weight_of(options, y)) * log_p(x[y]);
  if (e == 0) return hard;
  double all = 0;
  if (options.class_weights.empty()) {  // one by one this sum would take longer than the softmax
#pragma omp simd reduction(+ : all)
    for (long k = 0; k < K; ++k) all -= double(log_p(x[k]));
  } else {
    for (long k = 0; k < K; ++k) all -= double(options.class_weights[k]) * log_p(x[k]);
  }
  return hard + e / K * all;
}

// dx_k += upstream (p_k sum_j q_j - q_k) of a row x [K] with target y; q as at cross_entropy()
void cross_entropy_slopes(const real* x, long K, LogP log_p, int y, const CrossEntropyOptions& options, real upstream,
                          real* dx) {
  const real e = options.label_smoothing, share = e / K, w_y = weight_of(options, y);
  real q_sum = w_y;
  if (e > 0 && !options.class_weights.empty()) {
    q_sum = 0;
    for (long k = 0; k < K; ++k) q_sum += weight_of(options, int(k)) * (k == y ? 1 - e + share : share);
  }
  // fma says where q is rounded; left to itself, the compiler decides it anew for every version of a loop
  const auto slope = [=](long k, real w, real part) {
    return upstream * std::fma(-w, part, simd::exp(log_p(x[k])) * q_sum);
  };
  const real dx_y = dx[y] + slope(y, w_y, 1 - e + share);
  if (e > 0 && !options.class_weights.empty())
    for (long k = 0; k < K; ++k) dx[k] += slope(k, options.class_weights[k], share);
  else
    for (long k = 0; k < K; ++k) dx[k] += slope(k, 1, share);
  dx[y] = dx_y;
}

// log softmax of a row, and what it needs of the row.
LogP log_softmax_of(const real* x, long K) {
  const real top = simd::max(x, K);
  return {top, std::log(simd::exp_sum(x, top, K))};
}

}  // namespace

// cross_entropy: the mean negative log-likelihood of softmax(logits), as torch.nn.functional.cross_entropy has it.
//   shapes    logits [N, K]   targets N   ->   []
//   forward   row i with target y:  (1 - e) w_y (-log p_y) + e/K sum_k w_k (-log p_k),   divided by W = sum_i w_{y_i}
//   backward  dlogits_ik = (p_ik sum_j q_ij - q_ik) / W * dloss,   q_ik = w_k ((1 - e) [k = y_i] + e/K)
// e is the label smoothing, w the class weights; a row with the ignored target has q = 0. No row at all gives NaN.
// Two numbers a row are kept, of which p is computed again.
Tensor cross_entropy(const Tensor& logits, const Indices& targets, const CrossEntropyOptions& options) {
  check_targets(logits, targets, options);
  const long N = logits.dim(0), K = logits.dim(1);
  std::vector<LogP> log_p(N);
  std::vector<double> losses(N);
  const real* xs = logits.data();
  parallel_rows(N, K, [&](long i) {
    const real* x = xs + i * K;
    log_p[i] = log_softmax_of(x, K);
    if (targets[i] != options.ignore_index) losses[i] = cross_entropy_of_row(x, K, log_p[i], targets[i], options);
  });
  double loss = 0, W = 0;
  for (long i = 0; i < N; ++i) {
    if (targets[i] == options.ignore_index) continue;
    loss += losses[i];
    W += weight_of(options, targets[i]);
  }
  return record("cross_entropy", {logits}, Tensor::scalar(real(loss / W)), [=](const Tensor& out) {
    const real upstream = real(out.grad()[0] / W);
    const real* x = logits.data();
    const auto dx = logits.grad_accumulator();
    parallel_rows(N, K, [&](long i) {
      real* to = dx.data + i * K;
      if (dx.beta == 0) std::fill_n(to, K, real(0));
      if (targets[i] != options.ignore_index)
        cross_entropy_slopes(x + i * K, K, log_p[i], targets[i], options, upstream, to);
    });
  });
}

// symmetric_kl: how far two predictions are from each other, (KL(p || q) + KL(q || p)) / 2 with p = softmax(a) and
// q = softmax(b), mean over the rows; gradients go to both.
//   shapes    a, b [N, K]   ->   []
//   forward   row i:  (sum_k p_k d_k - sum_k q_k d_k) / 2,   d = log p - log q
//   backward  da_k = (p_k (d_k - KL(p || q)) + p_k - q_k) / 2N * dloss
//             db_k = (q_k (-d_k - KL(q || p)) + q_k - p_k) / 2N * dloss
// Six numbers a row are kept, of which p, q and d are computed again.
Tensor symmetric_kl(const Tensor& a, const Tensor& b) {
  check(a.shape().rank() == 2 && a.shape() == b.shape(),
        "symmetric_kl: logits must have one shape [N, K]; got {} and {}", a, b);
  struct Row {
    LogP log_p, log_q;
    real pq = 0, qp = 0;  // KL(p || q), KL(q || p)
  };
  const long N = a.dim(0), K = a.dim(1);
  std::vector<Row> rows(N);
  const real *as = a.data(), *bs = b.data();
  parallel_rows(N, 2 * K, [&](long i) {
    const real *x = as + i * K, *y = bs + i * K;
    const LogP log_p = log_softmax_of(x, K), log_q = log_softmax_of(y, K);
    double pq = 0, qp = 0;
#pragma omp simd reduction(+ : pq, qp)
    for (long k = 0; k < K; ++k) {
      const real d = log_p(x[k]) - log_q(y[k]);
      pq += double(simd::exp(log_p(x[k])) * d);
      qp -= double(simd::exp(log_q(y[k])) * d);
    }
    rows[i] = {log_p, log_q, real(pq), real(qp)};
  });
  double loss = 0;
  for (const Row& row : rows) loss += double(row.pq) + double(row.qp);
  return record("symmetric_kl", {a, b}, Tensor::scalar(real(loss / double(2 * N))), [=](const Tensor& out) {
    const real half = out.grad()[0] / real(2 * N);
    // of x, whose prediction is p, beside y, whose is q
    const auto flow = [&](const Tensor& x, const Tensor& y, const auto& of_row) {
      if (!x.wants_grad()) return;
      const real *xs = x.data(), *ys = y.data();
      const auto dx = x.grad_accumulator();
      parallel_rows(N, K, [&](long i) {
        const auto [log_p, log_q, pq] = of_row(rows[i]);
        real* to = dx.data + i * K;
        if (dx.beta == 0) std::fill_n(to, K, real(0));
        for (long k = 0; k < K; ++k) {
          const real lp = log_p(xs[i * K + k]), lq = log_q(ys[i * K + k]), p = simd::exp(lp);
          to[k] += half * (p * (lp - lq - pq) + p - simd::exp(lq));
        }
      });
    };
    flow(a, b, [](const Row& r) { return std::tuple(r.log_p, r.log_q, r.pq); });
    flow(b, a, [](const Row& r) { return std::tuple(r.log_q, r.log_p, r.qp); });
  });
}

// binary_cross_entropy_with_logits: mean of max(x, 0) - x t + log(1 + e^{-|x|}), which is -t log s - (1 - t) log(1 - s)
// with s = sigmoid(x).
//   shapes    logits, targets of one shape   ->   []
//   backward  dx = (sigmoid(x) - t) / n * dloss,   dt = -x / n * dloss
Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& targets) {
  check(logits.shape() == targets.shape() && logits.numel() > 0,
        "binary_cross_entropy_with_logits: logits and targets must have one shape; got {} and {}", logits, targets);
  const long n = logits.numel();
  const real *x = logits.data(), *t = targets.data();
  const double total = blockwise_sum(n, [=](long begin, long end) {
    double sum = 0;
    for (long i = begin; i < end; ++i)
      sum += std::max(x[i], real(0)) - x[i] * t[i] + std::log1p(std::exp(-std::abs(x[i])));
    return sum;
  });
  return record("binary_cross_entropy_with_logits", {logits, targets}, Tensor::scalar(real(total / n)),
                [=](const Tensor& y) {
                  const real d = y.grad()[0] / n;
                  const real *xv = logits.data(), *tv = targets.data();
                  real* dx = logits.wants_grad() ? logits.grad() : nullptr;
                  real* dt = targets.wants_grad() ? targets.grad() : nullptr;
                  parallel_blocks(n, [=](long begin, long end) {
                    for (long j = begin; dx && j < end; ++j) dx[j] += d * (1 / (1 + std::exp(-xv[j])) - tv[j]);
                    for (long j = begin; dt && j < end; ++j) dt[j] -= d * xv[j];
                  });
                });
}

// mse: mean of (x - target)^2,   dx = 2 (x - target) / n * dloss,   dtarget = -dx
Tensor mse(const Tensor& x, const Tensor& target) {
  check(x.shape() == target.shape() && x.numel() > 0, "mse: x and target must have one shape; got {} and {}", x,
        target);
  const long n = x.numel();
  const real *a = x.data(), *b = target.data();
  const double total = blockwise_sum(n, [=](long begin, long end) {
    double sum = 0;
    for (long i = begin; i < end; ++i) sum += double(a[i] - b[i]) * double(a[i] - b[i]);
    return sum;
  });
  return record("mse", {x, target}, Tensor::scalar(real(total / n)), [=](const Tensor& y) {
    const real factor = 2 * y.grad()[0] / n;
    const auto flow = [&](const Tensor& to, real sign) {
      real* d = to.grad();
      const real *xv = x.data(), *tv = target.data();
      parallel_blocks(n, [=](long begin, long end) {
        for (long i = begin; i < end; ++i) d[i] += sign * factor * (xv[i] - tv[i]);
      });
    };
    if (x.wants_grad()) flow(x, 1);
    if (target.wants_grad()) flow(target, -1);
  });
}

}  // namespace engine
