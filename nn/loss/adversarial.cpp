// Steps along a gradient and balls around embeddings. Read nn/loss/adversarial.h first.
#include "nn/loss/adversarial.h"

#include <cmath>
#include <numeric>

namespace nn {
namespace {

// Each stretch of rows of x, over which a norm is taken, times factor(norm).
template <class F>
Tensor scaled_by_norm(const char* who, const Tensor& x, const Indices& offsets, NormOver over, F factor) {
  check(x.shape().rank() == 2 && offsets.size() > 1 && offsets.front() == 0 && offsets.back() == x.dim(0),
        "{}: rows [N, C] and offsets 0 ... N; got {} and {} offsets", who, x, offsets.size());
  Indices bounds = offsets;
  if (over == NormOver::batch) bounds = {0, int(x.dim(0))};
  if (over == NormOver::token) {
    bounds.resize(size_t(x.dim(0)) + 1);
    std::iota(bounds.begin(), bounds.end(), 0);
  }
  const long C = x.dim(1);
  Tensor y(x.shape());
  for (size_t b = 0; b + 1 < bounds.size(); ++b) {
    double squares = 0;
    for (long i = bounds[b] * C; i < bounds[b + 1] * C; ++i) squares += double(x.data()[i]) * double(x.data()[i]);
    const double scale = factor(std::sqrt(squares));
    for (long i = bounds[b] * C; i < bounds[b + 1] * C; ++i) y.data()[i] = real(scale * double(x.data()[i]));
  }
  return y;
}

}  // namespace

Tensor steepest(const Tensor& gradient, const Indices& offsets, real epsilon, NormOver over) {
  return scaled_by_norm("steepest", gradient, offsets, over,
                        [&](double norm) { return norm > 0 ? double(epsilon) / norm : 0; });
}

Tensor within_ball(const Tensor& delta, const Indices& offsets, real radius, NormOver over) {
  check(radius >= 0, "within_ball: the radius is 0 or more; got {}", radius);
  return scaled_by_norm("within_ball", delta, offsets, over,
                        [&](double norm) { return norm > double(radius) ? double(radius) / norm : 1; });
}

}  // namespace nn
