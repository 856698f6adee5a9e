// Ops that move numbers without changing them. All but reshape copy: tensors are always contiguous.
// Read engine/shape.h first.
#include <algorithm>

#include "engine/ops.h"
#include "engine/parallel.h"
#include "engine/simd.h"

namespace engine {

// reshape: the same numbers under another shape.   dx += dy
Tensor reshape(const Tensor& x, const Shape& shape) {
  check(shape.numel() == x.numel(), "reshape: {} does not have the {} numbers of {}", x, shape.numel(), shape);
  return record("reshape", {x}, Tensor(shape, x.buffer()),
                [=, x = x.without_values()](const Tensor& y) { simd::add(x.grad(), y.grad(), x.numel()); });
}

namespace {

// y gets x with axes a < b exchanged; with kAdd it is added to what y holds. x is [outer, A, middle, B, inner].
template <bool kAdd>
void exchange_axes(const real* x, const Shape& shape, int a, int b, real* y) {
  long outer = 1, middle = 1, inner = 1;
  for (int i = 0; i < a; ++i) outer *= shape[i];
  for (int i = a + 1; i < b; ++i) middle *= shape[i];
  for (int i = b + 1; i < shape.rank(); ++i) inner *= shape[i];
  const long A = shape[a], B = shape[b];
  parallel_rows(outer * A, middle * B * inner, [=](long task) {
    const long o = task / A, i = task % A;
    for (long m = 0; m < middle; ++m)
      for (long j = 0; j < B; ++j) {
        const real* from = x + (((o * A + i) * middle + m) * B + j) * inner;
        real* to = y + (((o * B + j) * middle + m) * A + i) * inner;
        for (long n = 0; n < inner; ++n) to[n] = kAdd ? to[n] + from[n] : from[n];
      }
  });
}

}  // namespace

// transpose: two axes exchanged: y[.., j, .., i, ..] = x[.., i, .., j, ..].   dx += dy with them exchanged back
Tensor transpose(const Tensor& x, int a, int b) {
  const int one = x.axis("transpose", a), other = x.axis("transpose", b);
  const int low = std::min(one, other), high = std::max(one, other);
  if (low == high) return x;
  const Shape shape = x.shape().with(low, x.dim(high)).with(high, x.dim(low));
  Tensor y(shape);
  exchange_axes<false>(x.data(), x.shape(), low, high, y.data());
  return record("transpose", {x}, y,
                [=](const Tensor& out) { exchange_axes<true>(out.grad(), shape, low, high, x.grad()); });
}

// concat: the parts one after the other along an axis.   dpart += its stretch of dy
Tensor concat(const std::vector<Tensor>& parts, int axis) {
  check(!parts.empty(), "concat: at least one tensor is needed");
  const int at = parts[0].axis("concat", axis);
  long total = 0;
  for (const Tensor& part : parts) {
    check(part.shape().rank() == parts[0].shape().rank() && part.shape().with(at, 0) == parts[0].shape().with(at, 0),
          "concat: all sizes but those of axis {} must be equal; got {} and {}", axis, parts[0], part);
    total += part.dim(at);
  }
  Tensor y(parts[0].shape().with(at, total));
  const AxisView span(y.shape(), at);
  long begin = 0;
  for (const Tensor& part : parts) {
    const long width = part.dim(at) * span.inner;
    for (long o = 0; o < span.outer; ++o)
      std::copy_n(part.data() + o * width, width, y.data() + (o * total + begin) * span.inner);
    begin += part.dim(at);
  }
  return record("concat", parts, y, [=](const Tensor& out) {
    long first = 0;
    for (const Tensor& part : parts) {
      const long width = part.dim(at) * span.inner;
      for (long o = 0; part.wants_grad() && o < span.outer; ++o)
        simd::add(part.grad() + o * width, out.grad() + (o * total + first) * span.inner, width);
      first += part.dim(at);
    }
  });
}

// slice: the indices begin ... end - 1 of an axis.   dx += dy there, and nothing elsewhere
Tensor slice(const Tensor& x, int axis, long begin, long end) {
  const int at = x.axis("slice", axis);
  check(0 <= begin && begin <= end && end <= x.dim(at), "slice: [{}, {}) does not lie in axis {} of {}", begin, end,
        axis, x);
  Tensor y(x.shape().with(at, end - begin));
  const AxisView span(x.shape(), at);
  const long from = x.dim(at) * span.inner, width = (end - begin) * span.inner, skip = begin * span.inner;
  for (long o = 0; o < span.outer; ++o) std::copy_n(x.data() + o * from + skip, width, y.data() + o * width);
  return record("slice", {x}, y, [=](const Tensor& out) {
    for (long o = 0; o < span.outer; ++o) simd::add(x.grad() + o * from + skip, out.grad() + o * width, width);
  });
}

}  // namespace engine
