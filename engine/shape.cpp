// The arithmetic of shapes: every size is checked once, here, so that no op has to fear an overflow.
// Read engine/tensor.h next.
#include "engine/shape.h"

#include <fmt/format.h>

namespace engine {

void Shape::assign(const long* sizes, int rank) {
  const auto listed = [&] { return fmt::format("[{}]", fmt::join(sizes, sizes + rank, ", ")); };
  if (rank > kMaxRank) fail("shape: a tensor has at most {} axes; got {}: {}", int(kMaxRank), rank, listed());
  rank_ = rank;
  long numel = 1;
  for (int i = 0; i < rank; ++i) {
    if (sizes[i] < 0) fail("shape: no size may be negative; got {}", listed());
    if (__builtin_mul_overflow(numel, sizes[i], &numel))
      fail("shape: the elements must be countable by a 64-bit number; got {}", listed());
    sizes_[i] = sizes[i];
  }
}

long Shape::numel() const {
  long numel = 1;
  for (int i = 0; i < rank_; ++i) numel *= sizes_[i];
  return numel;
}

int Shape::axis(int index) const {
  const int axis = index < 0 ? index + rank_ : index;
  check(axis >= 0 && axis < rank_, "shape: an axis of {} must be in [{}, {}); got {}", *this, -rank_, rank_, index);
  return axis;
}

Shape Shape::with(int index, long size) const {
  std::array<long, kMaxRank> sizes = sizes_;
  sizes[axis(index)] = size;
  Shape result;
  result.assign(sizes.data(), rank_);
  return result;
}

Shape Shape::without(int index) const {
  std::vector<long> rest(sizes_.begin(), sizes_.begin() + rank_);
  rest.erase(rest.begin() + axis(index));
  return Shape(rest);
}

AxisView::AxisView(const Shape& shape, int axis) : n(shape[axis]) {
  for (int i = 0; i < shape.axis(axis); ++i) outer *= shape[i];
  for (int i = shape.axis(axis) + 1; i < shape.rank(); ++i) inner *= shape[i];
}

std::string Shape::text() const {
  std::string text = "[";
  for (int i = 0; i < rank_; ++i) text += (i ? ", " : "") + std::to_string(sizes_[i]);
  return text + "]";
}

}  // namespace engine
