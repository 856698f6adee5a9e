// What a tensor's handle points at, and the life of its gradient.
// Read engine/graph.h next: how tensors remember where they came from.
#include "engine/tensor.h"

#include <algorithm>

namespace engine {

struct Tensor::Body {
  Shape shape;
  Buffer values;
  Buffer grad;
  bool has_grad = false;    // grad holds a sum, not leftovers
  bool keeps_grad = false;  // grad belongs to a block of parameters: never given back
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

real* Tensor::data() const { return buffer().data(); }

Buffer Tensor::buffer() const {
  check(bool(body_), "tensor: this handle refers to nothing");
  check(bool(body_->values), "tensor: {} has no values yet: its parameters were not initialised or loaded", *this);
  return body_->values;
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

real* Tensor::grad() const {
  check(wants_grad(), "grad: {} wants no gradient", *this);
  if (!body_->has_grad) {
    if (!body_->grad) body_->grad = Buffer(numel());
    body_->grad.zero();
    body_->has_grad = true;
  }
  return body_->grad.data();
}

Tensor Tensor::grad_tensor() const {
  if (!has_grad()) return zeros(shape());
  return Tensor(shape(), body_->grad).clone();
}

void Tensor::clear_grad() const {
  body_->has_grad = false;
  if (!body_->keeps_grad) body_->grad = Buffer();
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
}

}  // namespace engine
