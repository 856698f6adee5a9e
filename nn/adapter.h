// Adapters: a few numbers that change what a layer hands on.
#pragma once

#include "nn/layers.h"

namespace nn {

// y = x + up(relu(down(x))), with weights so small at first that y is nearly x (Houlsby et al. 2019).  [R, C] -> [R, C]
struct Adapter {
  Linear down, up;
  Adapter(Scope at, long C, long width);
  Tensor operator()(const Tensor& x) const { return x + up(relu(down(x))); }
};

}  // namespace nn
