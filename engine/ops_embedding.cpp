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

// y[i] = x[rows[i]]
void copy_rows(const real* x, const Indices& rows, long C, real* y) {
  parallel_rows(long(rows.size()), C, [&](long i) { std::copy_n(x + rows[i] * C, C, y + i * C); });
}

// y[rows[i]] += x[i]. An index may occur twice, so the threads share out strips of columns, not rows.
void add_rows(const real* x, const Indices& rows, long C, real* y) {
  constexpr long kStrip = 64;
  const long count = long(rows.size()), strips = (C + kStrip - 1) / kStrip;
  parallel_rows(strips, count * kStrip, [&](long s) {
    const long first = s * kStrip, width = std::min(kStrip, C - first);
    for (long i = 0; i < count; ++i) simd::add(y + rows[i] * C + first, x + i * C + first, width);
  });
}

Tensor gather(const char* op, const Tensor& x, const Indices& rows) {
  check(x.shape().rank() == 2, "{}: a matrix [rows, C] is needed; got {}", op, x);
  check_rows(op, rows, x.dim(0), x);
  const long C = x.dim(1);
  Tensor y(Shape{long(rows.size()), C});
  copy_rows(x.data(), rows, C, y.data());
  const double bytes = 2. * double(y.numel()) * sizeof(real);
  profile_work(0, bytes);
  return record(op, {x}, y, [=](const Tensor& out) {
    profile_work(0, 1.5 * bytes);
    add_rows(out.grad(), rows, C, x.grad_of_rows(rows));
  });
}

}  // namespace

// y[i] = weight[ids[i]],   dweight[ids[i]] += dy[i]
Tensor embedding(const Tensor& weight, const Indices& ids) { return gather("embedding", weight, ids); }
Tensor gather_rows(const Tensor& x, const Indices& rows) { return gather("gather_rows", x, rows); }

// y[rows[i]] += x[i], the rest 0,   dx[i] = dy[rows[i]]
Tensor scatter_rows(const Tensor& x, const Indices& rows, long count) {
  check(x.shape().rank() == 2 && x.dim(0) == long(rows.size()), "scatter_rows: {} indices for the rows of {}",
        rows.size(), x);
  check_rows("scatter_rows", rows, count, x);
  const long C = x.dim(1);
  Tensor y = Tensor::zeros({count, C});
  add_rows(x.data(), rows, C, y.data());
  return record("scatter_rows", {x}, y, [=](const Tensor& out) {
    const real* dy = out.grad();
    real* dx = x.grad();
    parallel_rows(long(rows.size()), C, [&](long i) { simd::add(dx + i * C, dy + rows[i] * C, C); });
  });
}

}  // namespace engine
