// Bottlenecks: a narrow network of its own inside a layer that stays as it is, or on top of an encoder.
#pragma once

#include "nn/layers.h"

namespace nn {

// up(f(down(x))), with weights so small at first that it says nearly nothing.    [R, C] -> [R, width] -> [R, C]
struct Bottleneck {
  Linear down, up;
  Tensor (*f)(const Tensor&);
  Bottleneck(Scope of_down, Scope of_up, long C, long width, Tensor (*activation)(const Tensor&), real deviation)
      : down(of_down, C, width, deviation), up(of_up, width, C, deviation), f(activation) {}
  Tensor operator()(const Tensor& x) const { return up(f(down(x))); }
};

// Of a task's head, on the encoder's output:   y = x + up(relu(down(x)))    (Houlsby et al. 2019)    [R, C] -> [R, C]
struct HeadAdapter : Bottleneck {
  HeadAdapter(Scope at, long C, long width);
  Tensor operator()(const Tensor& x) const { return x + Bottleneck::operator()(x); }
};

// Inside a layer, between a dense layer's output and the LayerNorm that closes its residual. With h = dropout(dense),
// x the residual, b the bottleneck and LN the layer's own norm, its weights frozen:
//   houlsby    y = LN(b(h) + h + x),   f = silu, after the attention and after the feed-forward network
//              (Houlsby et al. 2019, "Parameter-efficient transfer learning for NLP")
//   pfeiffer   y = LN(b(LN(h + x)) + h + x),   f = relu, after the feed-forward network alone
//              (Pfeiffer et al. 2021, "AdapterFusion")
// Both as the library `adapters` has them (double_seq_bn, seq_bn).      h, x [R, C] -> y [R, C]
struct InLayer {
  Bottleneck bottleneck;
  bool norm_first;  // pfeiffer
  Tensor operator()(const Tensor& h, const Tensor& x, const LayerNorm& norm) const;
};

}  // namespace nn
