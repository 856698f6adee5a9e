// Tensor: a handle to values with a shape, and to the gradient and the graph node that belong to them.
#pragma once

#include <algorithm>
#include <memory>

#include "engine/memory.h"
#include "engine/shape.h"

namespace engine {

struct Node;  // engine/graph.h: the op that made a tensor

// Copies share everything. Values are contiguous and row-major. The gradient comes into being, as zeros, when it is
// first asked for.
class Tensor {
 public:
  Tensor() = default;                                           // refers to nothing
  explicit Tensor(const Shape& shape);                          // uninitialised
  Tensor(const Shape& shape, Buffer values);                    // shares the buffer
  Tensor(const Shape& shape, const std::vector<real>& values);  // copies
  static Tensor zeros(const Shape& shape) { return full(shape, 0); }
  static Tensor full(const Shape& shape, real value);
  static Tensor scalar(real value) { return full({}, value); }
  static Tensor declared(const Shape& shape);  // a shape without storage; bind() gives it one

  explicit operator bool() const { return body_ != nullptr; }
  bool is(const Tensor& other) const { return body_ == other.body_; }
  bool unique() const { return body_.use_count() == 1; }  // no other handle refers to it

  const Shape& shape() const;
  long dim(int axis) const { return shape()[axis]; }
  long numel() const { return shape().numel(); }
  real* data() const;
  Buffer buffer() const;
  real item() const;  // the one value of a tensor that has one
  std::vector<real> to_vector() const;

  bool wants_grad() const;  // it is a leaf that asks for it, or comes from one
  Tensor& require_grad(bool on = true);
  bool has_grad() const;          // something has arrived since the last clear_grad()
  real* grad() const;             // zeros at the first call; for those who add to it
  const real* grad_data() const;  // for those who only read what has arrived
  // For those who add to a few rows of a matrix only (an embedding): the other rows stay zero without being touched.
  real* grad_of_rows(const std::vector<int>& rows) const;
  const std::vector<char>* grad_rows() const;  // which rows may differ from zero; nullptr: any
  // For a matrix product c = ... + beta c: beta is 0 when nothing has arrived, and then every number must be written.
  struct Accumulator {
    real* data;
    real beta;
  };
  Accumulator grad_accumulator() const;
  Tensor grad_tensor() const;  // a copy, zeros when nothing arrived
  void clear_grad() const;

  const std::string& name() const;
  Tensor& named(std::string name);
  std::string text() const;  // 'name' [412, 768], as errors show it

  Tensor detach() const;  // the same values, no history
  Tensor clone() const;   // a copy of the values, no history
  const std::shared_ptr<Node>& node() const;
  void set_node(std::shared_ptr<Node> node) const;
  void bind(Buffer values, Buffer grad) const;  // storage chosen by somebody else: a block of parameters

 private:
  void check_values() const;

  struct Body;
  std::shared_ptr<Body> body_;
};

}  // namespace engine

template <>
struct fmt::formatter<engine::Tensor> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  auto format(const engine::Tensor& tensor, fmt::format_context& context) const {
    const std::string text = tensor.text();
    return std::copy(text.begin(), text.end(), context.out());
  }
};
