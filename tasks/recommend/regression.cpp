// Least squares over all items at once. Read tasks/recommend/regression.h first: their formulas.
#include "tasks/recommend/regression.h"

#include <algorithm>
#include <cmath>

#include "engine/blas.h"
#include "engine/parallel.h"

namespace recommend {

using engine::check;
using engine::real;
using engine::Tensor;

namespace {

// The inverse of a small positive definite block, in double, by Gauss and Jordan.    [m, m]
void invert_block(const real* A, long m, long stride, std::vector<real>& out) {
  std::vector<double> a(static_cast<size_t>(m * m));
  for (long i = 0; i < m; ++i)
    for (long j = 0; j < m; ++j) a[size_t(i * m + j)] = double(A[i * stride + j]);
  for (long k = 0; k < m; ++k) {
    const double pivot = a[size_t(k * m + k)];
    check(pivot > 0, "recommend: a matrix to be inverted must be positive definite; its pivot {} is {}", k, pivot);
    a[size_t(k * m + k)] = 1;
    for (long j = 0; j < m; ++j) a[size_t(k * m + j)] /= pivot;
    for (long i = 0; i < m; ++i) {
      if (i == k) continue;
      const double factor = a[size_t(i * m + k)];
      a[size_t(i * m + k)] = 0;
      for (long j = 0; j < m; ++j) a[size_t(i * m + j)] -= factor * a[size_t(k * m + j)];
    }
  }
  out.assign(a.begin(), a.end());
}

}  // namespace

// Block k of the rows, with D = A_kk^-1:   R = D A_k*,   A_ij -= A_ik R_j for i != k,   A_ik = -A_ik D,   A_k* = R,
// A_kk = D. After all blocks A is its own inverse.
void invert_positive(Tensor& A) {
  const long n = A.dim(0), block = 128;
  check(A.shape() == engine::Shape({n, n}), "invert_positive: a square matrix; got {}", A);
  real* a = A.data();
  std::vector<real> D;
  for (long k = 0; k < n; k += block) {
    const long m = std::min(block, n - k);
    invert_block(a + k * n + k, m, n, D);
    for (long i = 0; i < m; ++i)
      for (long j = 0; j < m; ++j) a[(k + i) * n + k + j] = real(i == j);  // so that R has D in its place
    Tensor R({m, n}), column({n, m});
    engine::gemm({{.m = m, .n = n, .terms = {{{D.data(), m}, {a + k * n, n}, m}}, .c = R.data(), .c_stride = n}});
    engine::parallel_rows(n, m, [&](long i) {
      const bool own = i >= k && i < k + m;
      for (long j = 0; j < m; ++j) column.data()[i * m + j] = own ? 0 : -a[i * n + k + j], a[i * n + k + j] = 0;
    });
    engine::gemm(
        {{.m = n, .n = n, .terms = {{{column.data(), m}, {R.data(), n}, m}}, .c = a, .c_stride = n, .beta = 1}});
    std::copy_n(R.data(), m * n, a + k * n);
  }
}

Tensor ease_weights(const std::vector<History>& histories, long items, double lambda) {
  check(lambda > 0, "ease: lambda must be above 0; got {}", lambda);
  Tensor P = Tensor::zeros({items, items});
  for (const History& h : histories)
    for (const Event& a : h)
      for (const Event& b : h) P.data()[a.item * items + b.item] += real(a.weight * b.weight);
  for (long i = 0; i < items; ++i) P.data()[i * items + i] += real(lambda);
  invert_positive(P);
  std::vector<real> diagonal;
  for (long j = 0; j < items; ++j) diagonal.push_back(P.data()[j * items + j]);
  engine::parallel_rows(items, items, [&](long i) {
    real* row = P.data() + i * items;
    for (long j = 0; j < items; ++j) row[j] = i == j ? 0 : -row[j] / diagonal[size_t(j)];
  });
  return P;
}

Scorer ease_by_items(const std::vector<History>& histories, long items, double lambda) {
  return [B = ease_weights(histories, items, lambda), items](Items history) {
    Scores scores(size_t(items), 0);
    for (const int i : history) {
      const real* row = B.data() + long(i) * items;
      for (long j = 0; j < items; ++j) scores[size_t(j)] += double(row[j]);
    }
    return scores;
  };
}

// H row by row from the sparse rows of X; (X^T H)_jj from the same.
Scorer ease_by_users(const std::vector<History>& histories, long items, double lambda) {
  check(lambda > 0, "ease: lambda must be above 0; got {}", lambda);
  const long U = long(histories.size());
  std::vector<std::vector<std::pair<int, double>>> users(static_cast<size_t>(items));  // who has an item, how much
  for (long u = 0; u < U; ++u)
    for (const Event& event : histories[size_t(u)]) users[size_t(event.item)].emplace_back(int(u), event.weight);
  Tensor K = Tensor::zeros({U, U}), H = Tensor::zeros({U, items});
  for (const auto& item : users)
    for (const auto& [u, a] : item)
      for (const auto& [v, b] : item) K.data()[u * U + v] += real(a * b);
  for (long u = 0; u < U; ++u) K.data()[u * U + u] += real(lambda);
  invert_positive(K);
  engine::parallel_rows(U, U * items, [&](long u) {
    for (long v = 0; v < U; ++v)
      for (const Event& event : histories[size_t(v)])
        H.data()[u * items + event.item] += K.data()[u * U + v] * real(event.weight);
  });
  std::vector<double> rest(size_t(items), 1);  // 1 - (X^T H)_jj
  for (size_t j = 0; j < users.size(); ++j)
    for (const auto& [u, weight] : users[j]) rest[j] -= weight * double(H.data()[u * items + long(j)]);
  return [users = std::move(users), H, rest = std::move(rest), items, U](Items history) {
    std::vector<double> with(size_t(U), 0), sum(size_t(items), 0);  // x X^T, x X^T H
    for (const int i : history)
      for (const auto& [u, weight] : users[size_t(i)]) with[size_t(u)] += weight;
    for (long u = 0; u < U; ++u) {
      const real* row = H.data() + u * items;
      for (long j = 0; with[size_t(u)] != 0 && j < items; ++j) sum[size_t(j)] += with[size_t(u)] * double(row[j]);
    }
    std::vector<double> x(size_t(items), 0);
    for (const int i : history) x[size_t(i)] = 1;
    for (size_t j = 0; j < sum.size(); ++j) sum[j] = x[j] - (x[j] - sum[j]) / rest[j];
    return sum;
  };
}

Scorer ease(const std::vector<History>& histories, long items, double lambda) {
  return long(histories.size()) < items ? ease_by_users(histories, items, lambda)
                                        : ease_by_items(histories, items, lambda);
}

namespace {

constexpr double kShift = 0.1;  // what two items are alike in without a common word

// (K_TT + lambda I)^-1 of the items `place` numbers.    -> [n, n]
Tensor inverse_of_likeness(const SparseRows& words, const std::vector<int>& taken, double lambda) {
  const long n = long(taken.size()), W = width_of(words);
  Tensor K({n, n});
  engine::parallel_tasks(n, [&](long a) {
    std::vector<double> dense(size_t(W), 0);
    add_row(words, taken[size_t(a)], 1, dense);
    for (long b = 0; b < n; ++b) {
      double dot = kShift + (a == b ? lambda : 0);
      const size_t row = size_t(taken[size_t(b)]);
      for (long k = words.begin[row]; k < words.begin[row + 1]; ++k)
        dot += double(words.value[size_t(k)]) * dense[size_t(words.column[size_t(k)])];
      K.data()[a * n + b] = real(dot);
    }
  });
  invert_positive(K);
  return K;
}

}  // namespace

Scorer content(const std::vector<History>& histories, const SparseRows& words, double lambda) {
  check(lambda > 0, "content: lambda must be above 0; got {}", lambda);
  std::vector<int> place(static_cast<size_t>(words.rows()), -1), taken;
  for (const History& h : histories)
    for (const Event& event : h) place[size_t(event.item)] = 0;
  for (size_t i = 0; i < place.size(); ++i)
    if (place[i] == 0) place[i] = int(taken.size()), taken.push_back(int(i));
  const Tensor inverse = inverse_of_likeness(words, taken, lambda);
  const long n = long(taken.size()), W = width_of(words);
  return [=](Items history) {
    std::vector<double> q(size_t(n), 0);
    for (const int i : history)
      for (long t = 0; place[size_t(i)] >= 0 && t < n; ++t)
        q[size_t(t)] += double(inverse.data()[place[size_t(i)] * n + t]);
    Scores wanted(size_t(W), 0), scores(place.size(), 0);
    double sum = 0;
    for (long t = 0; t < n; ++t) add_row(words, taken[size_t(t)], q[size_t(t)], wanted), sum += q[size_t(t)];
    for (size_t i = 0; i < scores.size(); ++i) {
      scores[i] = kShift * sum;
      for (long k = words.begin[i]; k < words.begin[i + 1]; ++k)
        scores[i] += double(words.value[size_t(k)]) * wanted[size_t(words.column[size_t(k)])];
    }
    return scores;
  };
}

}  // namespace recommend
