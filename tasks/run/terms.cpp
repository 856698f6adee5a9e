// The loss of a batch, term by term. Read tasks/run/training.cpp next: where it goes.
#include "tasks/run/terms.h"

#include <cmath>

namespace run {

using engine::check;
using engine::real;
using engine::Tensor;

void Terms::add(const std::string& name, double weight, const Tensor& value) {
  check(bool(value) && value.numel() == 1, "terms: '{}' must be one number", name);
  check(std::isfinite(weight), "terms: the weight of '{}' must be a number; got {}", name, weight);
  const double before = values_.contains(name) ? values_[name].get<double>() : 0;
  values_[name] = before + double(value.item());
  if (weight != 1) weighted_ = true;
  if (weight == 0) return;
  const Tensor part = weight == 1 ? value : value * real(weight);
  sum_ = sum_ ? sum_ + part : part;  // from left to right: the order of add() decides the bits
}

Tensor Terms::sum() const {
  check(bool(sum_), "terms: the loss has no term of a weight other than 0");
  return sum_;
}

}  // namespace run
