// Clipping of gradients by their global norm (Pascanu, Mikolov, Bengio 2013), as torch.nn.utils.clip_grad_norm_.
#pragma once

#include "optim/groups.h"

namespace optim {

// The Euclidean norm over the gradients of all parameters together.
double grad_norm(const std::vector<Tensor>& parameters);

// The factor min(1, max_norm / (norm + 1e-6)) that clips gradients of this norm; 1 if max_norm is 0. An optimiser takes
// it, which saves a pass over the gradients. A norm that is not finite throws, naming the first parameter to blame:
// nothing has been updated then.
double clip_factor(const std::vector<Tensor>& parameters, double norm, double max_norm);

}  // namespace optim
