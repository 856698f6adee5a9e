// Counts of a corpus, factorised by subspace iteration. Read tasks/text/corpus.h first.
#include "tasks/pretrain/counts.h"

#include <algorithm>
#include <cmath>

#include "engine/blas.h"
#include "engine/parallel.h"
#include "engine/random.h"

namespace pretrain {

using engine::check;
using engine::real;

namespace {

// How often each sequence counts: as it does in an epoch.
template <class F>
void for_each_sequence(const text::Corpus& corpus, F f) {
  for (const text::Corpus::Part& part : corpus.parts)
    for (long s = part.first; s < part.last; ++s)
      f(corpus.ids.data() + corpus.begin[s] + 1, corpus.begin[s + 1] - corpus.begin[s] - 2, real(part.weight));
}

// x_ij, symmetric, then M_ij in its place.   [V, V]
std::vector<real> pointwise_information(const text::Corpus& corpus, long V, long window) {
  std::vector<real> x(V * V, 0);
  for_each_sequence(corpus, [&](const int* ids, long n, real weight) {
    for (long i = 0; i < n; ++i)
      for (long j = i + 1; j < std::min(n, i + 1 + window); ++j)
        x[std::min(ids[i], ids[j]) * V + std::max(ids[i], ids[j])] += weight;
  });
  std::vector<double> row(V, 0);
  for (long i = 0; i < V; ++i)
    for (long j = i; j < V; ++j) row[i] += double(x[i * V + j]), row[j] += double(x[i * V + j]);
  double all = 0;
  for (const double r : row) all += r;
  engine::parallel_rows(V, V, [&](long i) {
    for (long j = i; j < V; ++j) {
      const double count = double(x[i * V + j]) * (i == j ? 2 : 1);
      x[i * V + j] = count > 0 ? real(std::max(0.0, std::log(count * all / (row[i] * row[j])))) : 0;
    }
  });
  engine::parallel_rows(V, V, [&](long i) {
    for (long j = 0; j < i; ++j) x[i * V + j] = x[j * V + i];
  });
  return x;
}

// Rows become orthonormal: Gram-Schmidt, twice for the digits.   q [C, V]
void orthonormalise(std::vector<real>& q, long C, long V) {
  const auto dot = [&](const real* a, const real* b) {
    return engine::blockwise_sum(V, [=](long begin, long end) {
      double sum = 0;
      for (long k = begin; k < end; ++k) sum += double(a[k]) * double(b[k]);
      return sum;
    });
  };
  for (long c = 0; c < C; ++c) {
    real* row = q.data() + c * V;
    for (int pass = 0; pass < 2; ++pass) {
      const double before = std::max(1e-30, dot(row, row));
      std::vector<real> shares(c);
      engine::parallel_rows(c, V, [&](long b) { shares[b] = real(dot(q.data() + b * V, row)); });
      for (long b = 0; b < c; ++b)
        for (long k = 0; k < V; ++k) row[k] -= shares[b] * q[b * V + k];
      const double left = dot(row, row);  // nothing but rounding: the others span it all, and it is left out
      const real factor = left > 1e-8 * before ? real(1 / std::sqrt(left)) : 0;
      for (long k = 0; k < V; ++k) row[k] *= factor;
    }
  }
}

}  // namespace

Eigen symmetric_eigen(std::vector<double> a, long n) {
  check(long(a.size()) == n * n, "symmetric_eigen: {} numbers are no matrix of {} rows", a.size(), n);
  std::vector<double> v(n * n, 0);
  for (long i = 0; i < n; ++i) v[i * n + i] = 1;
  double size = 0;
  for (const double x : a) size += x * x;
  for (int sweep = 0; sweep < 30; ++sweep) {
    double off = 0;
    for (long p = 0; p < n; ++p)
      for (long q = p + 1; q < n; ++q) off += a[p * n + q] * a[p * n + q];
    if (off <= 1e-20 * size) break;
    for (long p = 0; p < n; ++p)
      for (long q = p + 1; q < n; ++q) {
        const double apq = a[p * n + q];
        if (apq == 0) continue;
        const double theta = (a[q * n + q] - a[p * n + p]) / (2 * apq);
        const double t = (theta < 0 ? -1 : 1) / (std::abs(theta) + std::sqrt(theta * theta + 1));
        const double c = 1 / std::sqrt(t * t + 1), s = t * c;
        for (long k = 0; k < n; ++k) {  // rows p and q, of the matrix and of the eigenvectors
          const double x = a[p * n + k], y = a[q * n + k], u = v[p * n + k], w = v[q * n + k];
          a[p * n + k] = c * x - s * y, a[q * n + k] = s * x + c * y;
          v[p * n + k] = c * u - s * w, v[q * n + k] = s * u + c * w;
        }
        for (long k = 0; k < n; ++k) {  // columns
          const double x = a[k * n + p], y = a[k * n + q];
          a[k * n + p] = c * x - s * y, a[k * n + q] = s * x + c * y;
        }
      }
  }
  Eigen eigen{{}, std::move(v)};
  for (long i = 0; i < n; ++i) eigen.values.push_back(a[i * n + i]);
  return eigen;
}

std::vector<real> embeddings_of_counts(const text::Corpus& corpus, long V, long C, const CountOptions& o) {
  check(C <= V, "a vocabulary of {} pieces has no embeddings of {} columns out of counts", V, C);
  const std::vector<real> M = pointwise_information(corpus, V, o.window);
  std::vector<real> q(C * V), y(C * V);  // rows that span the subspace
  engine::Random{o.seed, engine::Stream::init, 0x636f756e, 0}.normals(1, C * V, q.data());
  for (int i = 0; i < o.iterations; ++i) {
    orthonormalise(q, C, V);
    engine::gemm({{.m = C, .n = V, .terms = {{{q.data(), V}, {M.data(), V}, V}}, .c = y.data(), .c_stride = V}});
    q.swap(y);
  }
  orthonormalise(q, C, V);
  std::vector<real> small(C * C);  // q M q^T
  engine::gemm({{.m = C, .n = V, .terms = {{{q.data(), V}, {M.data(), V}, V}}, .c = y.data(), .c_stride = V}});
  engine::gemm(
      {{.m = C, .n = C, .terms = {{{y.data(), V}, {q.data(), V, true}, V}}, .c = small.data(), .c_stride = C}});
  const Eigen eigen = symmetric_eigen({small.begin(), small.end()}, C);
  std::vector<real> rotate(C * C), W(V * C);  // column c: eigenvector c times |l|^(1/2)
  for (long c = 0; c < C; ++c)
    for (long b = 0; b < C; ++b)
      rotate[b * C + c] = real(eigen.vectors[c * C + b] * std::sqrt(std::abs(eigen.values[c])));
  engine::gemm(
      {{.m = V, .n = C, .terms = {{{q.data(), V, true}, {rotate.data(), C}, C}}, .c = W.data(), .c_stride = C}});
  double squares = 0;
  for (const real w : W) squares += double(w) * double(w);
  const real scale = real(o.deviation / std::sqrt(std::max(1e-30, squares / double(V * C))));
  for (real& w : W) w *= scale;
  return W;
}

std::vector<real> log_frequencies(const text::Corpus& corpus, long V) {
  std::vector<double> count(V, 1);
  for_each_sequence(corpus, [&](const int* ids, long n, real weight) {
    for (long i = 0; i < n; ++i) count[ids[i]] += double(weight);
  });
  double all = 0;
  for (const double c : count) all += c;
  std::vector<real> logs;
  for (const double c : count) logs.push_back(real(std::log(c / all)));
  return logs;
}

void start_from_counts(const nn::Model& model, const text::Corpus& corpus, uint64_t seed) {
  const engine::Tensor& word = model.encoder.word_embeddings();
  const long V = word.dim(0), C = word.dim(1);
  const std::vector<real> W = embeddings_of_counts(corpus, V, C, {.seed = seed});
  for (long i = 0; i < V; ++i)
    if (std::any_of(&W[i * C], &W[i * C] + C, [](real w) { return std::abs(w) > 1e-6; }))
      std::copy_n(&W[i * C], C, word.data() + i * C);
  for (const nn::Head& head : model.heads) {
    if (!head.masked_lm) continue;
    const std::vector<real> logs = log_frequencies(corpus, V);
    std::copy(logs.begin(), logs.end(), head.masked_lm->decoder.bias.data());
  }
}

}  // namespace pretrain
