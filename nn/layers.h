// The small layers. A module is a struct whose tensors are born through a Scope, and a call.
#pragma once

#include "nn/params.h"

namespace nn {

// y = x W^T + b.   [..., inputs] -> [..., outputs]
struct Linear {
  Tensor weight, bias;  // [outputs, inputs], [outputs]
  Linear(Scope at, long inputs, long outputs, real deviation)
      : weight(at.parameter("weight", {outputs, inputs}, {Init::normal, deviation})),
        bias(at.parameter("bias", {outputs}, {Init::constant, 0})) {}
  Linear(Tensor tied_weight, Tensor own_bias) : weight(std::move(tied_weight)), bias(std::move(own_bias)) {}
  Tensor operator()(const Tensor& x) const { return linear(x, weight, bias); }
};

// Rows with mean 0 and variance 1, then a factor and a shift per column.   [..., C] -> [..., C]
struct LayerNorm {
  Tensor weight, bias;  // [C], [C]: gamma and beta
  real eps;
  LayerNorm(Scope at, long C, real epsilon)
      : weight(at.parameter("weight", {C}, {Init::constant, 1})),
        bias(at.parameter("bias", {C}, {Init::constant, 0})),
        eps(epsilon) {}
  Tensor operator()(const Tensor& x) const { return layer_norm(x, weight, bias, eps); }
};

// A row of the table for every id.   N ids -> [N, C]
struct Embedding {
  Tensor weight;  // [V, C]
  Embedding(Scope at, long V, long C, real deviation)
      : weight(at.parameter("weight", {V, C}, {Init::normal, deviation})) {}
  Tensor operator()(const Indices& ids) const { return embedding(weight, ids); }
};

// While the model is trained, sets each number to 0 with probability p and divides the others by 1 - p; else nothing.
struct Dropout {
  real p;
  Mode* mode;
  Dropout(Scope at, real probability) : p(probability), mode(&at.mode()) {
    check(p >= 0 && p < 1, "dropout: the probability must be in [0, 1); got {}", p);
  }
  DropoutMask mask() const {  // a new one at every call
    if (!mode->training || p == 0) return {};
    return {p, {mode->seed, Stream::dropout, mode->step, mode->calls++}};
  }
  Tensor operator()(const Tensor& x) const { return dropout(x, mask()); }
};

}  // namespace nn
