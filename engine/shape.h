// Shape: the sizes of a tensor's axes, outermost first; a scalar has none.
#pragma once

#include <algorithm>
#include <array>
#include <initializer_list>

#include "engine/base.h"

namespace engine {

class Shape {
 public:
  static constexpr int kMaxRank = 4;

  Shape() = default;
  Shape(std::initializer_list<long> sizes) { assign(sizes.begin(), int(sizes.size())); }
  explicit Shape(const std::vector<long>& sizes) { assign(sizes.data(), int(sizes.size())); }

  int rank() const { return rank_; }
  long numel() const;         // the product of the sizes; 1 for a scalar
  int axis(int index) const;  // -1 is the last axis; throws when there is no such axis
  long operator[](int index) const { return sizes_[axis(index)]; }
  Shape with(int index, long size) const;  // a copy with one size replaced
  Shape without(int index) const;          // a copy with one axis removed
  std::string text() const;                // [412, 768]

  bool operator==(const Shape&) const = default;

 private:
  void assign(const long* sizes, int rank);

  std::array<long, kMaxRank> sizes_{};
  int rank_ = 0;
};

// A shape seen as [outer, n, inner] around one axis.
struct AxisView {
  AxisView(const Shape& shape, int axis);
  long outer = 1, n, inner = 1;
};

}  // namespace engine

template <>
struct fmt::formatter<engine::Shape> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  auto format(const engine::Shape& shape, fmt::format_context& context) const {
    const std::string text = shape.text();
    return std::copy(text.begin(), text.end(), context.out());
  }
};
