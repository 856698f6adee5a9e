// Tensor: a handle to values with a shape, and to the gradient and the graph node that belong to them.
#pragma once

#include <algorithm>
#include <memory>

#include "engine/memory.h"
#include "engine/shape.h"

namespace engine {

struct Node;  // engine/graph.h: the op that made a tensor

// Copies share everything. Values are contiguous and row-major. The gradient comes into being when something arrives
// for it, and goes with clear_grad().
class Tensor {
 public:
  Tensor() = default;                                           // refers to nothing: most methods throw
  explicit Tensor(const Shape& shape);                          // uninitialised
  Tensor(const Shape& shape, Buffer values);                    // shares the buffer
  Tensor(const Shape& shape, const std::vector<real>& values);  // copies
  static Tensor zeros(const Shape& shape) { return full(shape, 0); }
  static Tensor full(const Shape& shape, real value);
  static Tensor scalar(real value) { return full({}, value); }
  static Tensor declared(const Shape& shape);  // a shape without storage; bind() gives it one

  explicit operator bool() const { return body_ != nullptr; }
  bool is(const Tensor& other) const { return body_ == other.body_; }
  const void* id() const { return body_.get(); }
  bool unique() const { return body_.use_count() == 1; }  // no other handle refers to it

  const Shape& shape() const;
  int axis(const char* op, int index) const;  // -1 is the last axis; the error, when there is none, is that of `op`
  long dim(int index) const { return shape()[axis("dim", index)]; }
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
  // For those who add to a few rows of a matrix only (an embedding). The other rows count as zero, but nothing is
  // written there: who reads a gradient row by row looks at grad_rows() first, everybody else takes grad_data().
  struct RowAccumulator {
    real* data;
    std::vector<char> first;  // entry i: row rows[i] holds nothing yet and must be written, not added to
  };
  RowAccumulator grad_of_rows(const std::vector<int>& rows) const;
  const std::vector<char>* grad_rows() const;  // which rows have been written; nullptr: all
  const real* grad_of_written_rows() const;
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
  void bind(Buffer values) const;  // storage chosen by somebody else: a block of parameters

  // The same tensor, for those who only need its gradient: the values live as long as other handles need them.
  Tensor without_values() const;
  Tensor with_values_if_alive() const;
  bool has_values() const { return values_ && *values_; }

 private:
  struct Body;
  Body& body(const char* method) const;  // throws, as `method`, when there is none
  void write_all_rows() const;

  std::shared_ptr<Body> body_;
  std::shared_ptr<Buffer> values_;
};

void clear_grads(const std::vector<Tensor>& tensors);

}  // namespace engine

template <>
struct fmt::formatter<engine::Tensor> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  auto format(const engine::Tensor& tensor, fmt::format_context& context) const {
    const std::string text = tensor.text();
    return std::copy(text.begin(), text.end(), context.out());
  }
};
