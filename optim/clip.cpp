// The global norm, one pass over the gradients, and the factor that clips them. Read optim/groups.h first.
#include "optim/clip.h"

#include <cmath>

#include "engine/debug.h"

namespace optim {

double grad_norm(const std::vector<Tensor>& parameters) {
  const double squares = sum_of_chunks(parameters, [&](const Chunk& part) {
    if (part.rows != Rows::with_gradient) return 0.0;
    const real* g = parameters[part.parameter].grad_of_written_rows();
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (long i = part.begin; i < part.end; ++i) sum += double(g[i]) * double(g[i]);
    return sum;
  });
  profile_end("grad_norm", Pass::other);
  return std::sqrt(squares);
}

double clip_factor(const std::vector<Tensor>& parameters, double norm, double max_norm) {
  if (!std::isfinite(norm)) {
    for (const Tensor& p : parameters)
      check(!p.has_grad() || all_finite(p.grad_data(), p.numel()), "the gradient of {} holds a NaN or infinity", p);
    fail("the norm of the gradients, {}, is not a finite number", norm);
  }
  return max_norm > 0 ? std::min(1.0, max_norm / (norm + 1e-6)) : 1;
}

}  // namespace optim
