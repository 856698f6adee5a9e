// The small layers. A module is a struct whose tensors are born through a Scope, and a call.
#pragma once

#include <functional>
#include <memory>

#include "engine/packed.h"
#include "nn/params.h"

namespace nn {

// y = x W^T + b: the one place through which every such product goes, also where several are fused.
//   [..., inputs] -> [..., outputs]
struct Linear {
  Tensor weight, bias;                                       // [outputs, inputs], [outputs]
  std::function<Tensor(const Tensor& x)> instead = nullptr;  // another way to y: a low-rank addition
  std::shared_ptr<const PackedLinear> packed = nullptr;      // the weights laid out for results without a history
  Linear(Scope at, long inputs, long outputs, real deviation)
      : weight(at.parameter("weight", {outputs, inputs}, {Init::normal, deviation})),
        bias(at.parameter("bias", {outputs}, {Init::constant, 0})) {}
  Linear(Tensor tied_weight, Tensor own_bias) : weight(std::move(tied_weight)), bias(std::move(own_bias)) {}
  bool takes_packed() const { return packed && !instead && !recording(); }
  Tensor operator()(const Tensor& x) const {
    if (takes_packed()) return linear(x, *packed);
    return instead ? instead(x) : linear(x, weight, bias);
  }
};

// Several over one input, their results side by side: in one pass, unless one is computed in another way.
//   [..., I] -> [..., O1 + O2 + ...]
Tensor side_by_side(const Tensor& x, const std::vector<const Linear*>& layers);

// shrink(gelu(grow(x))), likewise in one pass.    [..., C] -> [..., F] -> [..., O]
Tensor feed_forward(const Tensor& x, const Linear& grow, const Linear& shrink);

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
  Tensor weight;                                              // [V, C]
  std::function<Tensor(const Indices& ids)> added = nullptr;  // a low-rank addition, for those who sum the rows
  Embedding(Scope at, long V, long C, real deviation)
      : weight(at.parameter("weight", {V, C}, {Init::normal, deviation})) {}
  Tensor operator()(const Indices& ids) const {
    return added ? embedding(weight, ids) + added(ids) : embedding(weight, ids);
  }
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
