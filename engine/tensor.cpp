// What a tensor's handle points at, and the life of its gradient.
// Read engine/graph.h next: how tensors remember where they came from.
#include "engine/tensor.h"

#include <algorithm>
#include <utility>

namespace engine {

struct Tensor::Body {
  Shape shape;
  std::weak_ptr<Buffer> values;
  Buffer grad;             // exists when something has arrived
  std::vector<char> rows;  // which rows of grad have been written; empty: all
  bool wants_grad = false;
  std::string name;
  std::shared_ptr<Node> node;
};

Tensor::Tensor(const Shape& shape) : Tensor(shape, Buffer(shape.numel())) {}

Tensor::Tensor(const Shape& shape, Buffer values)
    : body_(std::make_shared<Body>()), values_(std::make_shared<Buffer>(std::move(values))) {
  check(values_->size() == shape.numel(), "tensor: {} values do not fill {}", values_->size(), shape);
  body_->shape = shape;
  body_->values = values_;
}

Tensor::Tensor(const Shape& shape, const std::vector<real>& values) : Tensor(shape) {
  check(long(values.size()) == shape.numel(), "tensor: {} values do not fill {}", values.size(), shape);
  std::copy(values.begin(), values.end(), data());
}

Tensor Tensor::full(const Shape& shape, real value) {
  Tensor result(shape);
  std::fill_n(result.data(), shape.numel(), value);
  return result;
}

Tensor Tensor::declared(const Shape& shape) {
  Tensor result;
  result.body_ = std::make_shared<Body>();
  result.values_ = std::make_shared<Buffer>();
  result.body_->shape = shape;
  result.body_->values = result.values_;
  return result;
}

Tensor::Body& Tensor::body(const char* method) const {
  check(body_ != nullptr, "{}: a tensor is needed; got an empty handle, to which nothing was ever assigned", method);
  return *body_;
}

const Shape& Tensor::shape() const { return body("shape").shape; }

int Tensor::axis(const char* op, int index) const {
  const int rank = body(op).shape.rank(), axis = index < 0 ? index + rank : index;
  check(axis >= 0 && axis < rank, "{}: an axis of {} must be in [{}, {}); got {}", op, *this, -rank, rank, index);
  return axis;
}

real* Tensor::data() const {
  body("data");
  check(has_values(), "data: {} has no values yet: its parameters were not initialised or loaded", *this);
  return values_->data();
}

Buffer Tensor::buffer() const {
  data();
  return *values_;
}

real Tensor::item() const {
  body("item");
  check(numel() == 1, "item: a tensor with one value is needed; got {}", *this);
  return data()[0];
}

std::vector<real> Tensor::to_vector() const {
  const real* values = data();
  return {values, values + numel()};
}

bool Tensor::wants_grad() const { return body_ && body_->wants_grad; }

Tensor& Tensor::require_grad(bool on) {
  Body& own = body("require_grad");
  check(!own.node || on, "require_grad: {} is a result; detach() it to cut its history", *this);
  own.wants_grad = on;
  return *this;
}

bool Tensor::has_grad() const { return body_ && body_->grad; }

Tensor::Accumulator Tensor::grad_accumulator() const {
  body("grad");
  check(wants_grad(), "grad: {} wants no gradient", *this);
  const real beta = has_grad() ? 1 : 0;
  if (!has_grad()) body_->grad = Buffer(numel());
  write_all_rows();
  return {body_->grad.data(), beta};
}

real* Tensor::grad() const {
  const Accumulator to = grad_accumulator();
  if (to.beta == 0) body_->grad.zero();
  return to.data;
}

const real* Tensor::grad_data() const {
  body("grad_data");
  check(has_grad(), "grad_data: nothing has arrived for {}", *this);
  write_all_rows();
  return body_->grad.data();
}

Tensor::RowAccumulator Tensor::grad_of_rows(const std::vector<int>& rows) const {
  const bool fresh = !has_grad();
  RowAccumulator to{fresh ? grad_accumulator().data : body_->grad.data(), std::vector<char>(rows.size())};
  if (fresh) body_->rows.assign(dim(0), 0);
  if (!body_->rows.empty())  // nobody wrote everywhere
    for (size_t i = 0; i < rows.size(); ++i) to.first[i] = !std::exchange(body_->rows[rows[i]], 1);
  return to;
}

const std::vector<char>* Tensor::grad_rows() const {
  const std::vector<char>& rows = body("grad_rows").rows;
  return rows.empty() ? nullptr : &rows;
}

const real* Tensor::grad_of_written_rows() const { return body("grad_of_written_rows").grad.data(); }

void Tensor::write_all_rows() const {
  const long C = body_->rows.empty() ? 0 : dim(-1);
  for (size_t r = 0; r < body_->rows.size(); ++r)
    if (!body_->rows[r]) std::fill_n(body_->grad.data() + long(r) * C, C, real(0));
  body_->rows.clear();
}

Tensor Tensor::grad_tensor() const {
  if (!has_grad()) return zeros(body("grad_tensor").shape);
  write_all_rows();
  return Tensor(shape(), body_->grad).clone();
}

void Tensor::clear_grad() const {
  Body& own = body("clear_grad");
  own.grad = Buffer();
  own.rows.clear();
}

void clear_grads(const std::vector<Tensor>& tensors) {
  for (const Tensor& t : tensors) t.clear_grad();
}

Tensor Tensor::without_values() const {
  Tensor handle = *this;
  handle.values_ = nullptr;
  return handle;
}

Tensor Tensor::with_values_if_alive() const {
  Tensor handle = *this;
  if (body_) handle.values_ = body_->values.lock();
  return handle;
}

const std::string& Tensor::name() const { return body("name").name; }

Tensor& Tensor::named(std::string name) {
  body("named").name = std::move(name);
  return *this;
}

std::string Tensor::text() const {
  if (!body_) return "nothing";
  return (body_->name.empty() ? "" : "'" + body_->name + "' ") + body_->shape.text();
}

Tensor Tensor::detach() const {
  const Shape& same = body("detach").shape;
  return Tensor(same, buffer());
}

Tensor Tensor::clone() const {
  Tensor copy(body("clone").shape);
  std::copy_n(data(), numel(), copy.data());
  return copy;
}

const std::shared_ptr<Node>& Tensor::node() const {
  static const std::shared_ptr<Node> none;
  return body_ ? body_->node : none;
}

void Tensor::set_node(std::shared_ptr<Node> node) const {
  Body& own = body("set_node");
  own.node = std::move(node);
  own.wants_grad = true;
}

void Tensor::bind(Buffer values) const {
  body("bind");
  check(values.size() == numel(), "bind: {} needs {} numbers, got {}", *this, numel(), values.size());
  *values_ = std::move(values);
  clear_grad();
}

}  // namespace engine
