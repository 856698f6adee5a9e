// Where the weighting meets the graph. Read optim/weighting.h and optim/task_gradients.h first: the formulas.
#include "tasks/multitask/balance.h"

namespace multitask {

using engine::real;

namespace {

std::vector<double> values_of(const std::vector<Tensor>& losses) {
  std::vector<double> values;
  for (const Tensor& loss : losses) values.push_back(loss ? double(loss.item()) : optim::kAbsent);
  return values;
}

}  // namespace

Balance::Balance(const optim::WeightingOptions& options, double lr, const Model& model)
    : kind_(options.kind),
      model_(model),
      weighting_(options, long(model.tasks.size())),
      learned_(weighting_.parameters()),
      optimizer_(learned_, {.weight_decay = 0}),
      lr_(lr),
      gradients_(model.shared(), optim::needs_gradients(kind_) ? long(model.tasks.size()) : 0) {}

// Tasks that read the same texts share their forward pass, so the graph is kept from one walk to the next.
void Balance::walk_each(const std::vector<Tensor>& losses) {
  for (size_t t = 0; t < losses.size(); ++t) {
    engine::backward(losses[t], engine::Graph::keep);
    gradients_.take(long(t));
  }
}

std::vector<double> Balance::backward(long step, const std::vector<Tensor>& losses) {
  const std::vector<double> values = values_of(losses);
  std::vector<double> c;
  if (optim::needs_gradients(kind_)) {
    walk_each(losses);
    c = weighting_.coefficients(step, values, gradients_.gram());
    gradients_.combine(c);
    if (!optim::only_shared(kind_))
      for (size_t t = 0; t < c.size(); ++t)
        for (const Tensor& p : model_.params.trainable())
          if (p.name().starts_with("heads." + model_.tasks[t].name + ".") && p.has_grad())
            for (long i = 0; i < p.numel(); ++i) p.grad()[i] *= real(c[t]);
  } else {
    c = weighting_.coefficients(step, values);
    Tensor sum;
    for (size_t t = 0; t < losses.size(); ++t)
      if (losses[t]) sum = sum ? sum + losses[t] * real(c[t]) : losses[t] * real(c[t]);
    engine::backward(sum);
  }
  loss_ = weighting_.extra_loss();
  for (size_t t = 0; t < losses.size(); ++t)
    if (losses[t]) loss_ += c[t] * values[t];
  return c;
}

void Balance::look_ahead(const optim::TaskLosses& train, const optim::TaskLosses& other) {
  weighting_.look_ahead(model_.params.trainable(), train, other);
  step();
}

void Balance::step() {
  if (learned_.empty()) return;
  optimizer_.step(lr_);
  for (const Tensor& p : learned_) p.clear_grad();
}

void Balance::losses_after(const std::vector<Tensor>& losses) { weighting_.losses_after(values_of(losses)); }

std::vector<Tensor> Balance::state() const {
  std::vector<Tensor> all = weighting_.state();
  for (const Tensor& t : optimizer_.state())  // the model's optimiser has a tensor `steps`, too
    all.push_back(Tensor(t.shape(), t.buffer()).named("weighting." + t.name()));
  return all;
}

}  // namespace multitask
