// Clipping of gradients by their global norm (Pascanu, Mikolov, Bengio 2013), as torch.nn.utils.clip_grad_norm_.
#pragma once

#include "optim/groups.h"

namespace optim {

// The Euclidean norm over the gradients of all parameters together.
double grad_norm(const std::vector<Tensor>& parameters);

// Multiplies every gradient by min(1, max_norm / (norm + 1e-6)) and returns the norm before. max_norm 0 clips nothing.
// A norm that is not finite throws, naming the first parameter to blame: nothing has been updated then.
double clip_grad_norm(const std::vector<Tensor>& parameters, double max_norm);

}  // namespace optim
