// Rows by index: the embedding table, gather and its mirror image, scatter. Read engine/ops_shape.cpp first.
#include <algorithm>

#include "engine/ops.h"
#include "engine/parallel.h"
#include "engine/profile.h"
#include "engine/simd.h"

namespace engine {
namespace {

void check_rows(const char* op, const Indices& rows, long count, const Tensor& x) {
  for (size_t i = 0; i < rows.size(); ++i)
    check(rows[i] >= 0 && rows[i] < count, "{}: index {} at position {} is not in [0, {}), the rows of {}", op, rows[i],
          i, count, x);
}

// y[rows[i]] += x[i]; where first[i], y[rows[i]] = x[i]. An index may occur twice, so the threads share out strips of
// columns, not rows.
void add_rows(const real* x, const Indices& rows, long C, real* y, const std::vector<char>& first) {
  constexpr long kStrip = 64;
  const long count = long(rows.size()), strips = (C + kStrip - 1) / kStrip;
  parallel_rows(strips, count * kStrip, [&](long s) {
    const long begin = s * kStrip, width = std::min(kStrip, C - begin);
    for (long i = 0; i < count; ++i) {
      real* to = y + rows[i] * C + begin;
      const real* from = x + i * C + begin;
      if (first[i])
        std::copy_n(from, width, to);
      else
        simd::add(to, from, width);
    }
  });
}

// y[i] = sum over the tables of table[rows[i]]
Tensor gather(const char* op, const std::vector<std::pair<Tensor, Indices>>& tables) {
  const Tensor& x = tables[0].first;
  check(x.shape().rank() == 2, "{}: a matrix [rows, C] is needed; got {}", op, x);
  const long C = x.dim(1), N = long(tables[0].second.size());
  std::vector<Tensor> inputs;
  for (const auto& [table, rows] : tables) {
    check(
        table.shape().rank() == 2 && table.dim(1) == C && long(rows.size()) == N,
        "{}: tables must be equally wide, with one index a row of the result; got {} with {} indices beside {} with {}",
        op, table, rows.size(), x, N);
    check_rows(op, rows, table.dim(0), table);
    inputs.push_back(table);
  }
  Tensor y(Shape{N, C});
  real* ys = y.data();
  parallel_rows(N, C * long(tables.size()), [&](long i) {
    std::copy_n(x.data() + tables[0].second[i] * C, C, ys + i * C);
    for (size_t t = 1; t < tables.size(); ++t) simd::add(ys + i * C, inputs[t].data() + tables[t].second[i] * C, C);
  });
  const double bytes = double(y.numel()) * sizeof(real);
  profile_work(0, double(tables.size() + 1) * bytes);
  return record(op, inputs, y, [=](const Tensor& out) {
    profile_work(0, 3 * double(tables.size()) * bytes);
    for (const auto& [table, rows] : tables) {
      if (!table.wants_grad()) continue;
      const auto to = table.grad_of_rows(rows);
      add_rows(out.grad(), rows, C, to.data, to.first);
    }
  });
}

}  // namespace

// y[i] = weight[ids[i]],   dweight[ids[i]] += dy[i]
Tensor embedding(const Tensor& weight, const Indices& ids) { return gather("embedding", {{weight, ids}}); }
Tensor gather_rows(const Tensor& x, const Indices& rows) { return gather("gather_rows", {{x, rows}}); }

// y[i] = sum over the tables of table[ids[i]],   dtable[ids[i]] += dy[i]
Tensor embedding_sum(const std::vector<std::pair<Tensor, Indices>>& tables) {
  check(!tables.empty(), "embedding_sum: at least one table is needed");
  return gather("embedding_sum", tables);
}

// y[rows[i]] += x[i], the rest 0,   dx[i] = dy[rows[i]]
Tensor scatter_rows(const Tensor& x, const Indices& rows, long count) {
  check(x.shape().rank() == 2 && x.dim(0) == long(rows.size()), "scatter_rows: {} indices for the rows of {}",
        rows.size(), x);
  check_rows("scatter_rows", rows, count, x);
  const long C = x.dim(1);
  Tensor y = Tensor::zeros({count, C});
  add_rows(x.data(), rows, C, y.data(), std::vector<char>(rows.size()));
  return record("scatter_rows", {x}, y, [=](const Tensor& out) {
    const real* dy = out.grad();
    real* dx = x.grad();
    parallel_rows(long(rows.size()), C, [&](long i) { simd::add(dx + i * C, dy + rows[i] * C, C); });
  });
}

}  // namespace engine
