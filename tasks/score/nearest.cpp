// Tiles of scores, the best of each kept, then joined in the order of the tiles. Read engine/blas.h first: gemm_serial.
#include "tasks/score/nearest.h"

#include <algorithm>
#include <cmath>

#include "engine/blas.h"
#include "engine/parallel.h"

namespace score {
namespace {

using engine::check;
using engine::real;

constexpr long kVectors = 1024;  // of a tile, with kQueries: 256 kB of scores, which stay in the cache of one core
constexpr long kQueries = 64;

struct Candidate {
  real score;
  int index;
  bool before(const Candidate& other) const { return score != other.score ? score > other.score : index < other.index; }
};

// Leaves the k best, in order; or one that is not a number alone, and is false.
bool keep_best(std::vector<Candidate>& all, long k) {
  for (const Candidate& c : all)
    if (std::isnan(c.score)) return all = {c}, false;
  const auto end = all.begin() + std::min(k, long(all.size()));
  std::partial_sort(all.begin(), end, all.end(), [](const Candidate& a, const Candidate& b) { return a.before(b); });
  all.erase(end, all.end());
  return true;
}

// The k best of scores[n], whose first has the index `first`. A stretch in which nothing is above the worst kept one is
// passed over whole; what is equal to it comes later and loses. What is not a number is kept, for the caller to see.
std::vector<Candidate> best_of(const real* scores, long n, int first, long k) {
  constexpr long kStretch = 32;
  std::vector<Candidate> best;
  real bar = -INFINITY;
  bool full = false;
  for (long begin = 0; begin < n; begin += kStretch) {
    const long end = std::min(n, begin + kStretch);
    bool any = !full;
    for (long j = begin; j < end; ++j) any |= !(scores[j] <= bar);
    for (long j = begin; any && j < end; ++j)
      if (!full || !(scores[j] <= bar)) best.push_back({scores[j], first + int(j)});
    if (long(best.size()) < 2 * k) continue;
    if (!keep_best(best, k)) return best;
    full = true;
    bar = best.back().score;
  }
  keep_best(best, k);
  return best;
}

}  // namespace

Neighbours nearest(const engine::Tensor& queries, const engine::Tensor& vectors, long k) {
  check(queries.shape().rank() == 2 && vectors.shape().rank() == 2 && queries.dim(1) == vectors.dim(1),
        "nearest: queries [Q, C] and vectors [N, C]; got {} and {}", queries, vectors);
  check(k > 0, "nearest: k is above 0; got {}", k);
  const long Q = queries.dim(0), N = vectors.dim(0), C = queries.dim(1), wanted = std::min(k, N);
  const long parts = (N + kVectors - 1) / kVectors;
  std::vector<std::vector<Candidate>> found(size_t(Q * parts), std::vector<Candidate>{});  // [Q, parts]
  engine::parallel_tasks(parts, [&](long part) {
    const long first = part * kVectors, n = std::min(kVectors, N - first);
    std::vector<real> tile(size_t(std::min(Q, kQueries) * n));
    for (long q = 0; q < Q; q += kQueries) {
      const long rows = std::min(kQueries, Q - q);
      engine::gemm_serial(rows, n, C, 1, {queries.data() + q * C, C}, {vectors.data() + first * C, C, true}, 0,
                          tile.data(), n);
      for (long r = 0; r < rows; ++r)
        found[size_t((q + r) * parts + part)] = best_of(tile.data() + r * n, n, int(first), wanted);
    }
  });
  for (const std::vector<Candidate>& some : found)  // not in the loop over threads, which no error may leave
    if (!some.empty() && std::isnan(some[0].score))
      engine::fail("nearest: the product with vector {} is not a number", some[0].index);
  Neighbours result{wanted, std::vector<int>(size_t(Q * wanted)), std::vector<real>(size_t(Q * wanted))};
  engine::parallel_tasks(Q, [&](long q) {
    std::vector<Candidate> all;
    for (long part = 0; part < parts; ++part) {
      const std::vector<Candidate>& some = found[size_t(q * parts + part)];
      all.insert(all.end(), some.begin(), some.end());
    }
    keep_best(all, wanted);
    for (long i = 0; i < wanted; ++i) {
      result.index[size_t(q * wanted + i)] = all[size_t(i)].index;
      result.score[size_t(q * wanted + i)] = all[size_t(i)].score;
    }
  });
  return result;
}

}  // namespace score
