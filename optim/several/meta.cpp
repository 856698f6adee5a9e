// First-order MAML and Reptile: what the tasks of a batch teach, as one gradient. Read optim/groups.h first.
#include "optim/several/meta.h"

namespace optim {
namespace {

// f(parameter, begin, end) for blocks of all numbers of all parameters, whether they have a gradient or not.
template <class F>
void for_all_numbers(const std::vector<Tensor>& parameters, F f) {
  for (size_t p = 0; p < parameters.size(); ++p)
    parallel_blocks(parameters[p].numel(), [&](long begin, long end) { f(p, begin, end); });
}

// to(parameter)[i] += factor times the gradient, wherever there is one.
template <class To>
void add_gradients(const std::vector<Tensor>& parameters, real factor, To to) {
  for_each_chunk(parameters, [&](const Chunk& part) {
    if (part.rows != Rows::with_gradient) return;
    real* y = to(part.parameter);
    const real* g = parameters[part.parameter].grad_of_written_rows();
    for (long i = part.begin; i < part.end; ++i) y[i] += factor * g[i];
  });
}

}  // namespace

Snapshot::Snapshot(std::vector<Tensor> parameters) : parameters_(std::move(parameters)), values_(parameters_) {
  take();
}

void Snapshot::take() {
  for_all_numbers(parameters_, [&](size_t p, long begin, long end) {
    std::copy(parameters_[p].data() + begin, parameters_[p].data() + end, values_.of(p) + begin);
  });
}

void Snapshot::restore() const {
  for_all_numbers(parameters_, [&](size_t p, long begin, long end) {
    std::copy(of(p) + begin, of(p) + end, parameters_[p].data() + begin);
  });
}

void descend(const std::vector<Tensor>& parameters, double lr) {
  add_gradients(parameters, real(-lr), [&](size_t p) { return parameters[p].data(); });
}

MetaGradient::MetaGradient(MetaMethod method, std::vector<Tensor> parameters)
    : method_(method),
      parameters_(std::move(parameters)),
      theta_(parameters_),
      sum_(parameters_),
      taught_(parameters_.size()) {}

void MetaGradient::begin() {
  theta_.take();
  sum_.all.zero();
  std::fill(taught_.begin(), taught_.end(), 0);
  tasks_ = 0;
  engine::clear_grads(parameters_);
}

void MetaGradient::inner_step(double lr) {
  if (method_ == MetaMethod::reptile) note_taught();
  descend(parameters_, lr);
  engine::clear_grads(parameters_);
}

void MetaGradient::end_task() {
  if (method_ == MetaMethod::fomaml) {
    note_taught();
    add_gradients(parameters_, 1, [&](size_t p) { return sum_.of(p); });
    engine::clear_grads(parameters_);
  } else {
    for_all_numbers(parameters_, [&](size_t p, long begin, long end) {
      const real *theta = theta_.of(p), *w = parameters_[p].data();
      real* sum = sum_.of(p);
      for (long i = begin; i < end; ++i) sum[i] += theta[i] - w[i];
    });
  }
  theta_.restore();
  ++tasks_;
}

void MetaGradient::finish() {
  check(tasks_ > 0, "meta-learning: a batch needs at least one task");
  std::vector<real*> gradient(parameters_.size());
  for (size_t p = 0; p < parameters_.size(); ++p)
    if (taught_[p]) gradient[p] = parameters_[p].grad();
  for_all_numbers(parameters_, [&](size_t p, long begin, long end) {
    if (!taught_[p]) return;
    const real* sum = sum_.of(p);
    for (long i = begin; i < end; ++i) gradient[p][i] = sum[i] / real(tasks_);
  });
  profile_end("meta-gradient", Pass::other);
}

void MetaGradient::note_taught() {
  for (size_t p = 0; p < parameters_.size(); ++p) taught_[p] |= parameters_[p].has_grad();
}

}  // namespace optim
