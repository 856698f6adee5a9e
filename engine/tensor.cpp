// What a tensor's handle points at, and the life of its gradient.
// Read engine/graph.h next: how tensors remember where they came from.
#include "engine/tensor.h"

#include <algorithm>
#include <utility>

namespace engine {

struct Tensor::Body {
  Shape shape;
  Buffer values;
  Buffer grad;
  bool has_grad = false;    // grad holds a sum, not leftovers
  bool keeps_grad = false;  // grad belongs to a block of parameters: never given back
  std::vector<char> rows;   // which rows of grad may differ from zero; empty: any
  bool wants_grad = false;
  std::string name;
  std::shared_ptr<Node> node;
};

Tensor::Tensor(const Shape& shape) : Tensor(shape, Buffer(shape.numel())) {}

Tensor::Tensor(const Shape& shape, Buffer values) : body_(std::make_shared<Body>()) {
  check(values.size() == shape.numel(), "tensor: {} values do not fill {}", values.size(), shape);
  body_->shape = shape;
  body_->values = std::move(values);
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
  result.body_->shape = shape;
  return result;
}

const Shape& Tensor::shape() const {
  check(body_ != nullptr, "tensor: this handle refers to nothing");
  return body_->shape;
}

real* Tensor::data() const {
  check_values();
  return body_->values.data();
}

Buffer Tensor::buffer() const {
  check_values();
  return body_->values;
}

void Tensor::check_values() const {
  check(bool(body_), "tensor: this handle refers to nothing");
  check(bool(body_->values), "tensor: {} has no values yet: its parameters were not initialised or loaded", *this);
}

real Tensor::item() const {
  check(numel() == 1, "item: a tensor with one value is needed; got {}", *this);
  return data()[0];
}

std::vector<real> Tensor::to_vector() const { return {data(), data() + numel()}; }

bool Tensor::wants_grad() const { return body_ && body_->wants_grad; }

Tensor& Tensor::require_grad(bool on) {
  check(!body_->node || on, "require_grad: {} is a result; detach() it to cut its history", *this);
  body_->wants_grad = on;
  return *this;
}

bool Tensor::has_grad() const { return body_ && body_->has_grad; }

Tensor::Accumulator Tensor::grad_accumulator() const {
  check(wants_grad(), "grad: {} wants no gradient", *this);
  const real beta = body_->has_grad ? 1 : 0;
  if (!body_->grad) body_->grad = Buffer(numel());
  body_->has_grad = true;
  body_->rows.clear();
  return {body_->grad.data(), beta};
}

real* Tensor::grad() const {
  const Accumulator to = grad_accumulator();
  if (to.beta == 0) body_->grad.zero();
  return to.data;
}

const real* Tensor::grad_data() const {
  check(has_grad(), "grad: nothing has arrived for {}", *this);
  return body_->grad.data();
}

real* Tensor::grad_of_rows(const std::vector<int>& rows) const {
  const long C = dim(-1);
  if (body_->has_grad && body_->rows.empty()) return grad();  // somebody wrote everywhere
  if (body_->rows.empty()) {
    grad();
    body_->rows.assign(numel() / C, 0);
  } else if (!body_->has_grad) {  // zero but for the rows of the last time
    for (size_t r = 0; r < body_->rows.size(); ++r)
      if (std::exchange(body_->rows[r], 0)) body_->grad.part(long(r) * C, C).zero();
    body_->has_grad = true;
  }
  for (int r : rows) body_->rows[r] = 1;
  return body_->grad.data();
}

const std::vector<char>* Tensor::grad_rows() const { return body_->rows.empty() ? nullptr : &body_->rows; }

Tensor Tensor::grad_tensor() const {
  if (!has_grad()) return zeros(shape());
  return Tensor(shape(), body_->grad).clone();
}

void Tensor::clear_grad() const {
  body_->has_grad = false;
  if (body_->keeps_grad) return;
  body_->grad = Buffer();
  body_->rows.clear();
}

const std::string& Tensor::name() const { return body_->name; }

Tensor& Tensor::named(std::string name) {
  body_->name = std::move(name);
  return *this;
}

std::string Tensor::text() const {
  if (!body_) return "nothing";
  return (body_->name.empty() ? "" : "'" + body_->name + "' ") + body_->shape.text();
}

Tensor Tensor::detach() const { return Tensor(shape(), buffer()); }

Tensor Tensor::clone() const {
  Tensor copy(shape());
  std::copy_n(data(), numel(), copy.data());
  return copy;
}

const std::shared_ptr<Node>& Tensor::node() const {
  static const std::shared_ptr<Node> none;
  return body_ ? body_->node : none;
}

void Tensor::set_node(std::shared_ptr<Node> node) const {
  body_->node = std::move(node);
  body_->wants_grad = true;
}

void Tensor::bind(Buffer values, Buffer grad) const {
  check(values.size() == numel() && grad.size() == numel(), "bind: {} needs {} numbers, got {} and {}", *this, numel(),
        values.size(), grad.size());
  body_->values = std::move(values);
  body_->grad = std::move(grad);
  body_->keeps_grad = true;
  body_->has_grad = false;
  body_->rows.clear();
}

}  // namespace engine
