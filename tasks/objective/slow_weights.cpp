// The average and its change of places. Read tasks/objective/slow_weights.h first.
#include "tasks/objective/slow_weights.h"

#include <algorithm>

#include "engine/parallel.h"

namespace objective {

using engine::real;
using engine::Tensor;

SlowWeights::SlowWeights(const nn::Params& params) : weights_(params.trainable()) {
  for (const Tensor& w : weights_) slow_.push_back(w.detach().clone().named("smart." + w.name()));
}

void SlowWeights::follow(long step, long steps) {
  if (step == 0) return;
  const double b = 10 * step <= steps ? 0.99 : 0.999;
  engine::parallel_tasks(long(slow_.size()), [&](long i) {
    real* s = slow_[size_t(i)].data();
    const real* w = weights_[size_t(i)].data();
    for (long k = 0; k < slow_[size_t(i)].numel(); ++k) s[k] += real((1 - b) * double(w[k] - s[k]));
  });
}

void SlowWeights::swap() const {
  for (size_t i = 0; i < slow_.size(); ++i) {
    Tensor w = weights_[i], s = slow_[i];
    std::swap_ranges(w.data(), w.data() + w.numel(), s.data());
  }
}

void SlowWeights::with(const std::function<void()>& work) const {
  struct Places {
    const SlowWeights& slow;
    explicit Places(const SlowWeights& s) : slow(s) { slow.swap(); }
    ~Places() { slow.swap(); }
  };
  const engine::NoGrad no_grad;
  const Places changed(*this);
  work();
}

}  // namespace objective
