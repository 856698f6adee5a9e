// AdamW: one pass over parameters, gradients and both moments. It is bound by memory: four numbers read and three
// written for each parameter. Read optim/groups.h first.
#include "optim/adamw.h"

#include <cmath>

namespace optim {

AdamVariant adam_variant(const std::string& name) {
  if (name == "torch") return AdamVariant::torch;
  if (name == "transformers") return AdamVariant::transformers;
  check(name == "bert", "AdamW variant '{}' is not one of torch, transformers, bert", name);
  return AdamVariant::bert;
}

AdamW::AdamW(std::vector<Tensor> parameters, AdamWOptions options)
    : parameters_(std::move(parameters)),
      options_(std::move(options)),
      factors_(rate_factors(parameters_, options_.rates)),
      m_(parameters_),
      v_(parameters_),
      steps_(Tensor::zeros({long(parameters_.size())}).named("steps")) {
  check(options_.beta1 >= 0 && options_.beta1 < 1 && options_.beta2 >= 0 && options_.beta2 < 1,
        "AdamW: the betas must be in [0, 1); got {} and {}", options_.beta1, options_.beta2);
  check(options_.eps > 0 && options_.weight_decay >= 0,
        "AdamW: eps must be positive and the weight decay not negative; got {} and {}", options_.eps,
        options_.weight_decay);
}

namespace {

struct Constants {
  real step, root, before, after;
};

// With w the parameter, g its gradient, t its count of steps and L the weight decay (0 for biases and LayerNorm):
//   all           m = beta1 m + (1 - beta1) g,   v = beta2 v + (1 - beta2) g^2
//   torch         w = w (1 - lr L) - lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)
//   transformers  w = w - lr sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + eps),   then w = w (1 - lr L)
//   bert          w = w (1 - lr L) - lr m / (sqrt(v) + eps)
// All three are  w = (w before - step m / (sqrt(v) root + eps)) after  with other constants.
Constants constants_of(const AdamWOptions& o, double lr, double decay, double t) {
  const double correction1 = 1 - std::pow(o.beta1, t), correction2 = 1 - std::pow(o.beta2, t);
  const double kept = 1 - lr * decay;
  switch (o.variant) {
    case AdamVariant::torch:
      return {real(lr / correction1), real(1 / std::sqrt(correction2)), real(kept), 1};
    case AdamVariant::transformers:
      return {real(lr * std::sqrt(correction2) / correction1), 1, 1, real(kept)};
    default:
      return {real(lr), 1, real(kept), 1};
  }
}

}  // namespace

void AdamW::step(double lr, double grad_factor) {
  std::vector<Constants> constants;
  for (size_t p = 0; p < parameters_.size(); ++p) {
    const double t = steps_.data()[p] += parameters_[p].has_grad();
    constants.push_back(
        constants_of(options_, lr * factors_[p], decays(parameters_[p]) ? options_.weight_decay : 0, t));
  }
  const real beta1 = real(options_.beta1), beta2 = real(options_.beta2);
  const real gain1 = real(1 - options_.beta1), gain2 = real(1 - options_.beta2);
  const real eps = real(options_.eps), factor = real(grad_factor);
  touched_.update(parameters_, {&m_, &v_});
  const auto update_chunk = [&](const Chunk& chunk) {
    const size_t p = chunk.parameter;
    const auto [step, root, before, after] = constants[p];
    real *w = parameters_[p].data(), *m = m_.of(p), *v = v_.of(p);
    const auto update = [=, step = step, root = root, before = before, after = after](long i, real g) {
      m[i] = beta1 * m[i] + gain1 * g;
      v[i] = beta2 * v[i] + gain2 * g * g;
      w[i] = (w[i] * before - step * m[i] / (std::sqrt(v[i]) * root + eps)) * after;
    };
    if (chunk.rows == Rows::untouched) {  // m and v are zero and stay so
      for (long i = chunk.begin; i < chunk.end; ++i) w[i] = w[i] * before * after;
    } else if (chunk.rows == Rows::without_gradient) {
      for (long i = chunk.begin; i < chunk.end; ++i) update(i, 0);
    } else {
      const real* g = parameters_[p].grad_of_written_rows();
      for (long i = chunk.begin; i < chunk.end; ++i) update(i, g[i] * factor);
    }
  };
  for_each_chunk(parameters_, update_chunk, &touched_);
  profile_end("AdamW", Pass::other, 7. * double(m_.all.size()) * sizeof(real));
}

std::vector<Tensor> AdamW::state() const {
  std::vector<Tensor> state{steps_};
  for (size_t p = 0; p < parameters_.size(); ++p) {
    state.push_back(m_.tensor(p, parameters_[p]).named("exp_avg." + parameters_[p].name()));
    state.push_back(v_.tensor(p, parameters_[p]).named("exp_avg_sq." + parameters_[p].name()));
  }
  return state;
}

}  // namespace optim
