// The gradient at the vectors, kept for a second walk to the parameters. Read nn/loss/cached.h first.
#include "nn/loss/cached.h"

namespace nn {

CachedLoss::CachedLoss(const std::vector<Tensor>& parts, const std::function<Tensor(const Tensor& z)>& loss) {
  check(!parts.empty(), "cached_loss: one part at least");
  std::vector<Tensor> leaves;
  for (const Tensor& part : parts) {
    check(part.shape().rank() == 2, "cached_loss: parts must be [n, C]; got {}", part);
    leaves.push_back(part.clone().require_grad());
  }
  const Tensor all = loss(concat(leaves, 0));
  value_ = double(all.item());
  backward(all);
  for (const Tensor& leaf : leaves) slopes_.push_back(leaf.grad_tensor());
}

Tensor CachedLoss::through(size_t p, const Tensor& z, double share) const {
  check(p < slopes_.size() && z.shape() == slopes_[p].shape(), "cached_loss: part {} of {} must be {}; got {}", p,
        slopes_.size(), p < slopes_.size() ? slopes_[p] : Tensor(), z);
  check(share > 0, "cached_loss: a share must be above 0; got {}", share);
  const Tensor slope = sum(z * slopes_[p]) * real(1 / share);  // its value means nothing
  return slope + Tensor::scalar(real(value_ - double(slope.item())));
}

}  // namespace nn
