// What optimisers share: the state of a parameter beside its values, and passes over all parameters at once.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/parallel.h"
#include "engine/profile.h"
#include "engine/tensor.h"

namespace optim {
using namespace engine;

// Whether weight decay applies: not to biases and LayerNorm parameters, by name, as published fine-tuning recipes have
// it. Embeddings and the pooler are decayed.
bool decays(const Tensor& parameter);

// The numbers begin ... end - 1 of a parameter.
struct Stretch {
  size_t parameter;
  long begin, end;
  bool zero;  // their gradient is known to be zero: rows of an embedding that no token used
};

// Calls f for stretches that cover every parameter that has a gradient, all of them shared out over the threads in one
// loop. A parameter without a gradient is left out, as in PyTorch: no decay, no step counted.
void for_each_stretch(const std::vector<Tensor>& parameters, const std::function<void(const Stretch&)>& f);

// The sum of f over the same stretches, in a fixed order.
double sum_of_stretches(const std::vector<Tensor>& parameters, const std::function<double(const Stretch&)>& f);

// One block of zeros per parameter, end to end in memory.
struct Moment {
  explicit Moment(const std::vector<Tensor>& parameters);
  Buffer all;
  std::vector<long> begin;  // of each parameter's part
  real* of(size_t parameter) const { return all.data() + begin[parameter]; }
  Tensor tensor(size_t parameter, const Tensor& like) const {
    return {like.shape(), all.part(begin[parameter], like.numel())};
  }
};

}  // namespace optim
