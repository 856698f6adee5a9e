// First values and places of bottlenecks. Read nn/adapter/bottleneck.h first: the formulas.
#include "nn/adapter/bottleneck.h"

namespace nn {

constexpr real kHeadDeviation = 0.01;  // as published

HeadAdapter::HeadAdapter(Scope at, long C, long width)
    : Bottleneck(at / "down", at / "up", C, width, relu, kHeadDeviation) {}

Tensor InLayer::operator()(const Tensor& h, const Tensor& x, const LayerNorm& norm) const {
  const Tensor sum = h + x;  // [R, C]
  return dropout_add_norm(bottleneck(norm_first ? norm(sum) : h), sum, norm.weight, norm.bias, norm.eps);
}

}  // namespace nn
