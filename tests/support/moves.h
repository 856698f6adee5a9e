// Which parameters one step along the gradient leaves where they are.
#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "optim/sgd.h"
#include "tests/support/gradcheck.h"

namespace test {

// The names of those that the gradient of `loss`, and it alone, moves by less than 1e-5 of what it moves the most: as
// little as rounding does where the mathematics has 0.
inline std::set<std::string> still_after_a_step(const std::vector<Tensor>& parameters, const Tensor& loss) {
  for (const Tensor& p : parameters) p.clear_grad();
  backward(loss);
  std::vector<std::vector<real>> before;
  for (const Tensor& p : parameters) before.push_back(p.to_vector());
  optim::Sgd(parameters).step(1);
  std::vector<double> moved;
  for (size_t p = 0; p < parameters.size(); ++p) {
    moved.push_back(0);
    for (long i = 0; i < parameters[p].numel(); ++i)
      moved[p] = std::max(moved[p], std::abs(double(parameters[p].data()[i]) - double(before[p][i])));
  }
  const double most = *std::max_element(moved.begin(), moved.end());
  std::set<std::string> still;
  for (size_t p = 0; p < parameters.size(); ++p)
    if (!(moved[p] > 1e-5 * most)) still.insert(parameters[p].name());
  return still;
}

// Of the parameters, those whose names say that they are biases of keys.
inline std::set<std::string> key_biases(const std::vector<Tensor>& parameters) {
  std::set<std::string> names;
  for (const Tensor& p : parameters)
    if (shifts_keys(p.name())) names.insert(p.name());
  return names;
}

}  // namespace test
