// Cached gradients: a loss between all rows of a large batch, of which one part at a time is held in memory.
#pragma once

#include <functional>

#include "engine/ops.h"

namespace nn {
using namespace engine;

// GradCache (Gao, Zhang, Han, Callan 2021, "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup").
// Of a loss L(z) between the rows of all parts, z = (z_1 ... z_P):
//   1  z_p = encode(p) for every part, without a history
//   2  g = dL / dz at all of z, here
//   3  z_p = encode(p) once more, with its history; the gradient of sum(z_p g_p) is that of L through part p
// What arrives in the parameters is the gradient of the large batch, to rounding. Losses of parts that are added up are
// something else: no row of one part meets one of another there. encode() must say the same both times: its dropout has
// to begin at the same nn::Mode::calls.
class CachedLoss {
 public:
  // parts [n_p, C], their histories are not looked at; loss: [sum n_p, C] -> []
  CachedLoss(const std::vector<Tensor>& parts, const std::function<Tensor(const Tensor& z)>& loss);
  // Part p with its history -> [] whose value is L and whose gradient, times `share`, is that of L through the part: so
  // the terms of all parts, each weighed by its share of the step, add up to L and to its gradient.
  Tensor through(size_t p, const Tensor& z, double share = 1) const;
  double value() const { return value_; }  // L

 private:
  std::vector<Tensor> slopes_;  // g_p, [n_p, C]
  double value_ = 0;
};

}  // namespace nn
