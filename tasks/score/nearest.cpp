// Tiles of scores, the best of each kept, then joined in the order of the tiles. Read engine/blas.h first: gemm_serial;
// for NearestIndex engine/packed.h.
#include "tasks/score/nearest.h"

#include <algorithm>
#include <cmath>

#include "engine/blas.h"
#include "engine/debug.h"
#include "engine/parallel.h"

namespace score {
namespace {

using engine::check;
using engine::real;

constexpr long kVectors = 1024;  // of a tile, with kQueries: 256 kB of scores, which stay in the cache of one core
constexpr long kQueries = 64;
constexpr long kTiles = 4;  // that one thread takes in a row: what it has found spares it most of the next ones
constexpr long kFew = 2;    // queries up to which nothing is gained by a product that copies the vectors first

struct Candidate {
  real score;
  int index;
  bool before(const Candidate& other) const { return score != other.score ? score > other.score : index < other.index; }
};

// The k best of what it was given so far, and a few more. What is equal to the worst kept one and comes later loses;
// what is not a number stays, alone, for the caller to see.
class Best {
 public:
  // scores[n], whose first has the index `first`; a stretch with nothing above the worst kept one is passed over whole
  void take(const real* scores, long n, int first, long k) {
    constexpr long kStretch = 32;
    for (long begin = 0; begin < n; begin += kStretch) {
      const long end = std::min(n, begin + kStretch);
      bool any = !full_;
      for (long j = begin; j < end; ++j) any |= !(scores[j] <= bar_);
      for (long j = begin; any && j < end; ++j)
        if (!full_ || !(scores[j] <= bar_)) kept_.push_back({scores[j], first + int(j)});
      if (long(kept_.size()) >= 2 * k + kStretch) shorten(k);
    }
  }
  // Leaves the k best, in order.
  void shorten(long k) {
    for (const Candidate& c : kept_)
      if (std::isnan(c.score)) return void(kept_ = {c});
    const auto end = kept_.begin() + std::min(k, long(kept_.size()));
    std::partial_sort(kept_.begin(), end, kept_.end(),
                      [](const Candidate& a, const Candidate& b) { return a.before(b); });
    kept_.erase(end, kept_.end());
    full_ = k > 0 && long(kept_.size()) == k;
    if (full_) bar_ = kept_.back().score;
  }
  void join(const Best& other) { kept_.insert(kept_.end(), other.kept_.begin(), other.kept_.end()); }
  const std::vector<Candidate>& kept() const { return kept_; }
  real bar() const { return full_ ? bar_ : -INFINITY; }  // the worst of k, after shorten()

 private:
  std::vector<Candidate> kept_;
  real bar_ = -INFINITY;
  bool full_ = false;
};

// a . b in sums of every 64th term, which the compiler keeps in registers, added up in order.
real dot(const real* a, const real* b, long C) {
  constexpr long kLanes = 64;
  real part[kLanes] = {};
  long c = 0;
  for (; c + kLanes <= C; c += kLanes)
    for (long l = 0; l < kLanes; ++l) part[l] += a[c + l] * b[c + l];
  for (; c < C; ++c) part[c % kLanes] += a[c] * b[c];
  real sum = 0;
  for (const real p : part) sum += p;
  return sum;
}

// tile[rows, n] of the scores of queries with vectors.
void score_tile(const real* queries, long rows, const real* vectors, long n, long C, real* tile) {
  if (rows > kFew) return engine::gemm_serial(rows, n, C, 1, {queries, C}, {vectors, C, true}, 0, tile, n);
  for (long j = 0; j < n; ++j)
    for (long r = 0; r < rows; ++r) tile[r * n + j] = dot(queries + r * C, vectors + j * C, C);
}

}  // namespace

Neighbours nearest(const engine::Tensor& queries, const engine::Tensor& vectors, long k) {
  check(queries.shape().rank() == 2 && vectors.shape().rank() == 2 && queries.dim(1) == vectors.dim(1),
        "nearest: queries [Q, C] and vectors [N, C]; got {} and {}", queries, vectors);
  check(k > 0, "nearest: k is above 0; got {}", k);
  const long Q = queries.dim(0), N = vectors.dim(0), C = queries.dim(1), wanted = std::min(k, N);
  const long part = kTiles * kVectors, parts = (N + part - 1) / part;
  std::vector<Best> found(size_t(Q * parts), Best{});  // [Q, parts]
  engine::parallel_tasks(parts, [&](long p) {
    std::vector<real> tile(size_t(std::min(Q, kQueries) * std::min(N, kVectors)));
    for (long first = p * part; first < std::min(N, (p + 1) * part); first += kVectors) {
      const long n = std::min(kVectors, N - first);
      for (long q = 0; q < Q; q += kQueries) {
        const long rows = std::min(kQueries, Q - q);
        score_tile(queries.data() + q * C, rows, vectors.data() + first * C, n, C, tile.data());
        for (long r = 0; r < rows; ++r)
          found[size_t((q + r) * parts + p)].take(tile.data() + r * n, n, int(first), wanted);
      }
    }
  });
  Neighbours result{wanted, std::vector<int>(size_t(Q * wanted)), std::vector<real>(size_t(Q * wanted))};
  for (long q = 0; q < Q; ++q) {
    Best all;
    for (long p = 0; p < parts; ++p) all.join(found[size_t(q * parts + p)]);
    all.shorten(wanted);
    for (long i = 0; i < wanted; ++i) {
      const Candidate& c = all.kept()[size_t(i)];
      check(!std::isnan(c.score), "nearest: the product with vector {} is not a number", c.index);
      result.index[size_t(q * wanted + i)] = c.index;
      result.score[size_t(q * wanted + i)] = c.score;
    }
  }
  return result;
}

namespace {

double length(const real* x, long C) {
  double sum = 0;
  for (long c = 0; c < C; ++c) sum += double(x[c]) * double(x[c]);
  return std::sqrt(sum);
}

// How far a row's copy lies from it, and how long the copy is.
struct Copied {
  double error = 0, length = 0;
};
Copied copied(const real* row, const engine::ByteRows& bytes, long r) {
  double error = 0, square = 0;
  for (long c = 0; c < bytes.columns; ++c) {
    const double w = double(bytes.scales[size_t(r)]) * double(bytes.values[size_t(r * bytes.columns + c)]);
    error += (double(row[c]) - w) * (double(row[c]) - w);
    square += w * w;
  }
  return {std::sqrt(error), std::sqrt(square)};
}

// vectors - their mean    [N, C]
engine::Tensor centred(const engine::Tensor& vectors) {
  const long N = vectors.dim(0), C = vectors.dim(1);
  std::vector<double> mean(size_t(C), 0);
  for (long i = 0; i < N; ++i)
    for (long c = 0; c < C; ++c) mean[size_t(c)] += double(vectors.data()[i * C + c]) / double(N);
  engine::Tensor x({N, C});
  for (long i = 0; i < N; ++i)
    for (long c = 0; c < C; ++c) x.data()[i * C + c] = real(double(vectors.data()[i * C + c]) - mean[size_t(c)]);
  return x;
}

}  // namespace

NearestIndex::NearestIndex(const engine::Tensor& vectors) : vectors_(vectors) {
  check(vectors.shape().rank() == 2, "nearest: vectors [N, C]; got {}", vectors);
  check(engine::all_finite(vectors.data(), vectors.numel()), "nearest: the vectors hold a NaN or infinity");
  if (vectors.dim(0) == 0) return;
  const engine::Tensor x = centred(vectors);
  const engine::ByteRows bytes = engine::byte_rows(x);
  for (long i = 0; i < bytes.rows; ++i) {
    const Copied c = copied(x.data() + i * bytes.columns, bytes, i);
    errors_.push_back(real(c.error));
    lengths_.push_back(real(c.length));
    longest_ = std::max(longest_, length(vectors.data() + i * bytes.columns, bytes.columns));
  }
  copies_ = std::make_shared<engine::PackedLinear>(bytes);
}

std::vector<int> NearestIndex::candidates(const engine::Tensor& query, long k) const {
  constexpr double kRounding = 1e-6;  // a term of a product in single precision: far above what it loses
  const long N = vectors_.dim(0), C = vectors_.dim(1);
  const engine::NoGrad no_grad;
  const engine::Tensor rough = engine::linear(query, *copies_);  // [1, N]
  const double own = length(query.data(), C);
  const real a = real(own * (1 + kRounding)), b = real(copied(query.data(), engine::byte_rows(query), 0).error);
  const real slack = real(kRounding * double(C) * own * longest_);
  std::vector<real> least(size_t(N), 0), most(size_t(N), 0);
  for (long j = 0; j < N; ++j) {
    const real d = a * errors_[size_t(j)] + b * lengths_[size_t(j)] + slack;
    least[size_t(j)] = rough.data()[j] - d;
    most[size_t(j)] = rough.data()[j] + d;
  }
  Best sure;
  sure.take(least.data(), N, 0, k);
  sure.shorten(k);
  std::vector<int> left;
  for (long j = 0; j < N; ++j)
    if (most[size_t(j)] >= sure.bar()) left.push_back(int(j));
  return left;
}

Neighbours NearestIndex::operator()(const engine::Tensor& queries, long k) const {
  const long Q = queries.dim(0), N = vectors_.dim(0), C = vectors_.dim(1), wanted = std::min(k, N);
  check(queries.shape().rank() == 2 && queries.dim(1) == C && k > 0,
        "nearest: queries [Q, {}] and k above 0; got {}, {}", C, queries, k);
  check(engine::all_finite(queries.data(), queries.numel()), "nearest: the queries hold a NaN or infinity");
  if (wanted == N) return nearest(queries, vectors_, k);
  Neighbours result{wanted, {}, {}};
  for (long q = 0; q < Q; ++q) {  // one by one: the rough scores of many would fill the memory
    Best best;
    for (const int j : candidates(engine::slice(queries, 0, q, q + 1), wanted)) {
      const real score = dot(queries.data() + q * C, vectors_.data() + j * C, C);
      best.take(&score, 1, j, wanted);
    }
    best.shorten(wanted);
    for (const Candidate& c : best.kept()) {
      result.index.push_back(c.index);
      result.score.push_back(c.score);
    }
  }
  return result;
}

}  // namespace score
