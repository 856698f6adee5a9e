// SGD with momentum and Nesterov's variant. Read optim/groups.h first.
#include "optim/sgd.h"

namespace optim {

Sgd::Sgd(std::vector<Tensor> parameters, SgdOptions options)
    : parameters_(std::move(parameters)),
      options_(std::move(options)),
      factors_(rate_factors(parameters_, options_.rates)),
      velocity_(parameters_),
      moving_(Tensor::zeros({long(parameters_.size())}).named("moving")) {
  check(options_.momentum >= 0 && options_.weight_decay >= 0,
        "SGD: momentum and weight decay must not be negative; got {} and {}", options_.momentum, options_.weight_decay);
  check(!options_.nesterov || (options_.momentum > 0 && options_.dampening == 0),
        "SGD: Nesterov's variant needs a momentum and no dampening; got {} and {}", options_.momentum,
        options_.dampening);
}

//   g = g + L w,   u = momentum u + (1 - dampening) g  (u = g the first time),   w = w - lr u
//   Nesterov:      w = w - lr (g + momentum u)
void Sgd::step(double lr, double grad_factor) {
  const real momentum = real(options_.momentum), gain = real(1 - options_.dampening);
  const real factor = real(grad_factor);
  for_each_chunk(parameters_, [&](const Chunk& part) {
    const size_t p = part.parameter;
    const real rate = real(lr * factors_[p]);
    const real decay = decays(parameters_[p]) ? real(options_.weight_decay) : real(0);
    const bool moving = moving_.data()[p] > 0;
    const real keep = moving ? momentum : 0, take = moving ? gain : 1;
    real *w = parameters_[p].data(), *u = velocity_.of(p);
    const real* grad = part.rows == Rows::with_gradient ? parameters_[p].grad_of_written_rows() : nullptr;
    for (long i = part.begin; i < part.end; ++i) {
      const real g = (grad ? grad[i] * factor : 0) + decay * w[i];
      u[i] = keep * u[i] + take * g;
      const real move = momentum == 0 ? g : options_.nesterov ? g + momentum * u[i] : u[i];
      w[i] -= rate * move;
    }
  });
  for (size_t p = 0; p < parameters_.size(); ++p)
    if (parameters_[p].has_grad()) moving_.data()[p] = 1;
  profile_end("SGD", Pass::other, 5. * double(velocity_.all.size()) * sizeof(real));
}

std::vector<Tensor> Sgd::state() const {
  std::vector<Tensor> state{moving_};
  for (size_t p = 0; p < parameters_.size(); ++p)
    state.push_back(velocity_.tensor(p, parameters_[p]).named("momentum." + parameters_[p].name()));
  return state;
}

}  // namespace optim
