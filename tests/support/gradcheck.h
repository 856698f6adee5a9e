// Gradients against central differences, in the double build. In a float build, which lacks the digits, the same cases
// only run, for the sanitizers' eyes.
#pragma once

#include "tests/support/support.h"

namespace test {

constexpr bool kDouble = sizeof(real) == 8;

// loss = sum_i k_i y_i with k_i = sin(1 + 1.7 i): a plain sum is blind, the gradients of softmax and layer_norm under
// it are zero. Returns the largest |analytic - numeric| / max(1, |numeric|) over every entry of every input.
template <class F>
double gradient_error(std::vector<Tensor> inputs, F f) {
  const auto weighted = [&](const Tensor& y) {
    Tensor k(y.shape());
    for (long i = 0; i < k.numel(); ++i) k.data()[i] = real(std::sin(1 + 1.7 * i));
    return sum(mul(y, k));
  };
  for (Tensor& x : inputs) x.require_grad().clear_grad();
  backward(weighted(f(inputs)));
  const NoGrad no_grad;
  double worst = 0;
  for (const Tensor& x : inputs)
    for (long i = 0; i < x.numel(); ++i) {
      const real h = real(1e-5), before = x.data()[i];
      x.data()[i] = before + h;
      const double above = weighted(f(inputs)).item();
      x.data()[i] = before - h;
      const double below = weighted(f(inputs)).item();
      x.data()[i] = before;
      const double numeric = (above - below) / (2 * double(h)), analytic = x.has_grad() ? x.grad()[i] : 0;
      const double error = std::abs(analytic - numeric) / std::max(1.0, std::abs(numeric));
      worst = std::isnan(error) ? INFINITY : std::max(worst, error);
    }
  return worst;
}

// What a second walk over a kept graph fills in, bit for bit what the first did; and the third, which releases it.
template <class F>
void check_walks_again(const std::string& what, std::vector<Tensor> inputs, F f) {
  for (Tensor& x : inputs) x.require_grad().clear_grad();
  const Tensor y = f(inputs), loss = sum(mul(y, varied(y.shape(), 3)));
  std::vector<std::vector<real>> first;
  for (const Graph graph : {Graph::keep, Graph::keep, Graph::release}) {
    backward(loss, graph);
    for (size_t i = 0; i < inputs.size(); ++i) {
      const std::vector<real> got = inputs[i].grad_tensor().to_vector();
      if (first.size() < inputs.size()) first.push_back(got);
      CHECK_MESSAGE(same_bits(got, first[i]), what, ": another walk gives another gradient for input ", i);
      inputs[i].clear_grad();
    }
  }
}

template <class F>
void gradcheck(const std::string& what, std::vector<Tensor> inputs, F f) {
  check_walks_again(what, inputs, f);
  const double error = gradient_error(std::move(inputs), f);
  CHECK_MESSAGE((error < 1e-6 || !kDouble), what, ": gradient off by ", error);
}

}  // namespace test
