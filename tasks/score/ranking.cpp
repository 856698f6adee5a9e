// The rank of every query's own candidate, from all cosines. Nothing to read before.
#include "tasks/score/ranking.h"

#include <cmath>

#include "engine/debug.h"
#include "engine/parallel.h"
#include "tasks/score/top_k.h"

namespace score {
namespace {

using engine::real;

double product(const real* a, const real* b, long C) {
  double sum = 0;
  for (long c = 0; c < C; ++c) sum += double(a[c]) * double(b[c]);
  return sum;
}

}  // namespace

std::vector<double> own_ranks(const engine::Tensor& queries, const engine::Tensor& candidates) {
  engine::check(queries.shape().rank() == 2 && queries.shape() == candidates.shape() && queries.dim(0) > 0,
                "retrieve: queries and candidates must have one shape [n, C]; got {} and {}", queries, candidates);
  engine::check(
      engine::all_finite(queries.data(), queries.numel()) && engine::all_finite(candidates.data(), candidates.numel()),
      "retrieve: the vectors hold a NaN or infinity");  // which is nearer than nothing, and would come first
  const long n = queries.dim(0), C = queries.dim(1);
  std::vector<double> length(n), rank(n);
  for (long j = 0; j < n; ++j) {
    const real* row = candidates.data() + j * C;
    length[j] = std::sqrt(std::max(product(row, row, C), 1e-300));  // a row of zeros is at a right angle to all
  }
  engine::parallel_tasks(n, [&](long i) {
    const real* query = queries.data() + i * C;
    const auto nearness = [&](long j) { return product(query, candidates.data() + j * C, C) / length[j]; };
    const double own = nearness(i);
    for (long j = 0; j < n; ++j) rank[i] += j == i || nearness(j) >= own;
  });
  return rank;
}

Retrieval retrieve(const engine::Tensor& queries, const engine::Tensor& candidates) {
  const std::vector<double> ranks = own_ranks(queries, candidates);
  return {hit_rate(ranks, 1), mean_reciprocal(ranks)};
}

}  // namespace score
