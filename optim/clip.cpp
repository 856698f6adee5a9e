// The global norm and the clipping by it: two passes over the gradients. Read optim/groups.h first.
#include "optim/clip.h"

#include <cmath>

#include "engine/debug.h"

namespace optim {

double grad_norm(const std::vector<Tensor>& parameters) {
  return std::sqrt(sum_of_stretches(parameters, [&](size_t p, long begin, long end) {
    const real* g = parameters[p].grad();
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (long i = begin; i < end; ++i) sum += double(g[i]) * double(g[i]);
    return sum;
  }));
}

double clip_grad_norm(const std::vector<Tensor>& parameters, double max_norm) {
  const double norm = grad_norm(parameters);
  if (!std::isfinite(norm))
    for (const Tensor& p : parameters)
      check(!p.has_grad() || all_finite(p.grad(), p.numel()), "the gradient of {} holds a NaN or infinity", p);
  const real factor = real(std::min(1.0, max_norm / (norm + 1e-6)));
  if (max_norm > 0 && factor < 1)
    for_each_stretch(parameters, [&](size_t p, long begin, long end) {
      real* g = parameters[p].grad();
      for (long i = begin; i < end; ++i) g[i] *= factor;
    });
  return norm;
}

}  // namespace optim
