// Gradients against central differences, in the double build. In a float build, which lacks the digits, the same cases
// only run, for the sanitizers' eyes.
#pragma once

#include "tests/support/support.h"

namespace test {

constexpr bool kDouble = sizeof(real) == 8;

// loss = sum_i k_i y_i with k_i = sin(1 + 1.7 i): a plain sum is blind, the gradients of softmax and layer_norm under
// it are zero.
inline Tensor weighted_sum(const Tensor& y) {
  Tensor k(y.shape());
  for (long i = 0; i < k.numel(); ++i) k.data()[i] = real(std::sin(1 + 1.7 * i));
  return sum(mul(y, k));
}

// (loss(x + h) - loss(x - h)) / 2h for every entry of every input.
template <class F>
std::vector<std::vector<double>> central_differences(const std::vector<Tensor>& inputs, F f) {
  const NoGrad no_grad;
  std::vector<std::vector<double>> slopes;
  for (const Tensor& x : inputs) {
    slopes.emplace_back();
    for (long i = 0; i < x.numel(); ++i) {
      const real h = real(1e-5), before = x.data()[i];
      x.data()[i] = before + h;
      const double above = weighted_sum(f(inputs)).item();
      x.data()[i] = before - h;
      const double below = weighted_sum(f(inputs)).item();
      x.data()[i] = before;
      slopes.back().push_back((above - below) / (2 * double(h)));
    }
  }
  return slopes;
}

// The largest |analytic - numeric| / max(1, |numeric|) over every entry of every input, after a walk.
inline double error_against(const std::vector<std::vector<double>>& numeric, const std::vector<Tensor>& inputs) {
  double worst = 0;
  for (size_t x = 0; x < inputs.size(); ++x)
    for (long i = 0; i < inputs[x].numel(); ++i) {
      const double analytic = inputs[x].has_grad() ? inputs[x].grad()[i] : 0;
      const double error = std::abs(analytic - numeric[x][i]) / std::max(1.0, std::abs(numeric[x][i]));
      worst = std::isnan(error) ? INFINITY : std::max(worst, error);
    }
  return worst;
}

template <class F>
double gradient_error(std::vector<Tensor> inputs, F f) {
  for (Tensor& x : inputs) x.require_grad().clear_grad();
  backward(weighted_sum(f(inputs)));
  return error_against(central_differences(inputs, f), inputs);
}

// Added to all keys alike, it changes no softmax: a gradient of 0, of which no factor is seen.
inline bool shifts_keys(const std::string& name) { return name.ends_with("key.bias") || name.ends_with("k_proj.bias"); }

// The negative control: a backward that is off by a thousandth in one of the inputs alone must fail the same check.
inline void check_control(const std::string& what, const std::vector<Tensor>& inputs,
                          const std::vector<std::vector<double>>& numeric) {
  for (const Tensor& x : inputs) {
    if (shifts_keys(x.name())) continue;
    const std::vector<real> right = x.grad_tensor().to_vector();
    for (long i = 0; i < x.numel(); ++i) x.grad()[i] *= real(1.001);
    CHECK_MESSAGE(error_against(numeric, inputs) > 1e-6, what, ": blind to a wrong gradient of input ", x);
    std::copy(right.begin(), right.end(), x.grad());
  }
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

// A gradient that is there already, sin(1 + 1.7 i), is added to and not replaced.
template <class F>
void check_adds(const std::string& what, std::vector<Tensor> inputs, F f) {
  std::vector<std::vector<real>> alone;
  for (Tensor& x : inputs) x.require_grad().clear_grad();
  backward(weighted_sum(f(inputs)));
  for (const Tensor& x : inputs) alone.push_back(x.grad_tensor().to_vector());
  for (const Tensor& x : inputs) x.clear_grad();
  for (const Tensor& x : inputs) backward(weighted_sum(x));
  backward(weighted_sum(f(inputs)));
  for (size_t x = 0; x < inputs.size(); ++x)
    for (long i = 0; i < inputs[x].numel(); ++i) {
      const double want = double(alone[x][i]) + std::sin(1 + 1.7 * double(i)), got = inputs[x].grad()[i];
      CHECK_MESSAGE(std::abs(got - want) <= (kDouble ? 1e-9 : 1e-4) * std::max(1.0, std::abs(want)), what,
                    ": the gradient of input ", x, " replaces what was there at ", i);
    }
}

template <class F>
void gradcheck(const std::string& what, std::vector<Tensor> inputs, F f) {
  check_walks_again(what, inputs, f);
  check_adds(what, inputs, f);
  for (Tensor& x : inputs) x.require_grad().clear_grad();
  backward(weighted_sum(f(inputs)));
  const std::vector<std::vector<double>> numeric = central_differences(inputs, f);
  const double error = error_against(numeric, inputs);
  CHECK_MESSAGE((error < 1e-6 || !kDouble), what, ": gradient off by ", error);
  if (kDouble) check_control(what, inputs, numeric);
}

}  // namespace test
