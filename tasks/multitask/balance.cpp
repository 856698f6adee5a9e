// Where the weighting meets the graph. Read optim/several/weighting.h and task_gradients.h first: the formulas.
#include "tasks/multitask/balance.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/debug.h"

namespace multitask {

using engine::check;
using engine::real;

namespace {

std::vector<double> values_of(const std::vector<Tensor>& losses) {
  std::vector<double> values;
  for (const Tensor& loss : losses) values.push_back(loss ? double(loss.item()) : optim::kAbsent);
  return values;
}

// The first task t whose g_t . g_t is no number: float's largest, squared, is one in double.
std::optional<size_t> first_without_numbers(const std::vector<double>& gram, size_t tasks) {
  for (size_t t = 0; t < tasks; ++t)
    if (!std::isfinite(gram[t * tasks + t])) return t;
  return {};
}

std::vector<double> only(size_t task, size_t tasks) {
  std::vector<double> c(tasks, 0);
  c[task] = 1;
  return c;
}

}  // namespace

Balance::Balance(const optim::WeightingOptions& options, double lr, const model::TextModel& model)
    : kind_(options.kind),
      model_(model),
      weighting_(options, long(model.tasks.size())),
      learned_(weighting_.parameters()),
      optimizer_(learned_, {.weight_decay = 0}),
      lr_(lr) {}

void Balance::remember() {
  if (std::exchange(remembered_, true)) return;
  if (before_)
    before_->take();
  else
    before_.emplace(state());
}

void Balance::take_back() {
  if (std::exchange(remembered_, false)) before_->restore();
  engine::clear_grads(learned_);
}

void Balance::begin() {
  remember();
  if (!gradients_)
    gradients_.emplace(model_.net.shared(), optim::needs_gradients(kind_) ? long(model_.tasks.size()) : 0);
  losses_.assign(model_.tasks.size(), optim::kAbsent);
  extra_ = 0;
  open_ = true;
}

// Tasks that read the same texts share their forward pass, so the graph is kept from one walk to the next.
void Balance::walk_each(const std::vector<Tensor>& losses) {
  for (size_t t = 0; t < losses.size(); ++t) {
    check(bool(losses[t]), "balance: every task must be in the step; '{}' is not", model_.tasks[t].name);
    engine::backward(losses[t], engine::Graph::keep);
    gradients_->take(long(t));
  }
}

void Balance::scale_heads() const {
  for (size_t t = 0; t < c_.size(); ++t)
    for (const Tensor& p : model_.net.params.trainable())
      if (model_.net.heads[t].owns(p) && p.has_grad())
        for (long i = 0; i < p.numel(); ++i) p.grad()[i] *= real(c_[t]);
}

Tensor Balance::weighted_sum(const std::vector<Tensor>& losses) const {
  Tensor sum;
  for (size_t t = 0; t < losses.size(); ++t)
    if (losses[t]) sum = sum ? sum + losses[t] * real(c_[t]) : losses[t] * real(c_[t]);
  return sum;
}

void Balance::backward(long step, const std::vector<Tensor>& losses, const Tensor& extra) {
  const bool whole = optim::needs_all_tasks(kind_);
  check(!open_ || !whole, "balance: this weighting looks at the losses of a whole step, which cannot come in batches");
  if (!open_) begin();
  const std::vector<double> values = values_of(losses);
  for (size_t t = 0; t < values.size(); ++t)
    if (losses[t]) losses_[t] = losses_[t] == optim::kAbsent ? values[t] : losses_[t] + values[t];
  if (extra) extra_ += double(extra.item());
  if (optim::needs_gradients(kind_)) {
    walk_each(losses);
    const std::vector<double> gram = gradients_->gram();
    const std::optional<size_t> sick = first_without_numbers(gram, losses.size());
    c_ = sick ? only(*sick, losses.size()) : weighting_.coefficients(step, values, gram);
    gradients_->combine(c_);
    if (!optim::only_shared(kind_)) scale_heads();
    if (extra) engine::backward(extra);
    return;
  }
  c_ = whole ? weighting_.coefficients(step, values) : weighting_.coefficients(step);
  Tensor sum = weighted_sum(losses);
  if (extra) sum = sum ? sum + extra : extra;
  if (sum) engine::backward(sum);
}

std::vector<double> Balance::coefficients(long step) {
  if (!open_) begin();  // a step without any task
  if (!optim::needs_all_tasks(kind_)) c_ = weighting_.coefficients(step, losses_);
  open_ = false;
  return c_;
}

double Balance::loss() const {
  double loss = weighting_.extra_loss();
  for (size_t t = 0; t < losses_.size(); ++t)
    if (losses_[t] != optim::kAbsent) loss += c_[t] * losses_[t];
  return loss + extra_;
}

void Balance::look_ahead(const optim::TaskLosses& train, const optim::TaskLosses& other) {
  remember();
  weighting_.look_ahead(model_.net.params.trainable(), train, other);
  if (std::ranges::all_of(learned_, [](const Tensor& s) { return engine::all_finite(s.grad_data(), s.numel()); }))
    move();
  engine::clear_grads(learned_);
}

void Balance::step() {
  remembered_ = false;
  move();
}

void Balance::move() {
  if (learned_.empty()) return;
  optimizer_.step(lr_);
  engine::clear_grads(learned_);
}

void Balance::losses_after(const std::vector<Tensor>& losses) { weighting_.losses_after(values_of(losses)); }

std::vector<Tensor> Balance::state() const {
  std::vector<Tensor> all = weighting_.state();
  for (const Tensor& t : optimizer_.state())  // the model's optimiser has a tensor `steps`, too
    all.push_back(Tensor(t.shape(), t.buffer()).named("weighting." + t.name()));
  return all;
}

}  // namespace multitask
