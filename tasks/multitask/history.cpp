// Means over epochs, in tensors, so that a checkpoint keeps them. Nothing to read before.
#include "tasks/multitask/history.h"

#include "optim/several/weighting.h"

namespace multitask {

using engine::real;

History::History(const std::vector<spec::TaskSpec>& tasks)
    : sums_(Tensor::zeros({3, long(tasks.size())}).named("history.sums")),
      first_(Tensor::full({2, long(tasks.size())}, -1).named("history.first")),
      last_(Tensor::full({2, long(tasks.size())}, -1).named("history.last")) {
  for (const spec::TaskSpec& task : tasks) names_.push_back(task.name);
}

void History::add(const std::vector<double>& losses, const std::vector<double>& weights) {
  const size_t T = names_.size();
  for (size_t t = 0; t < T; ++t) {
    if (losses[t] == optim::kAbsent) continue;
    sums_.data()[t] += real(losses[t]);
    sums_.data()[T + t] += real(weights[t]);
    sums_.data()[2 * T + t] += 1;
  }
}

void History::end_epoch() {
  const size_t T = names_.size();
  for (size_t t = 0; t < T; ++t) {
    const real steps = sums_.data()[2 * T + t];
    if (steps == 0) continue;
    for (size_t row : {size_t{0}, size_t{1}}) {
      real& last = last_.data()[row * T + t];
      last = sums_.data()[row * T + t] / steps;
    }
    if (first_.data()[T + t] < 0)
      for (size_t row : {size_t{0}, size_t{1}}) first_.data()[row * T + t] = last_.data()[row * T + t];
  }
  std::fill_n(sums_.data(), sums_.numel(), real(0));
}

nn::ordered_json History::json() const {
  nn::ordered_json json;
  const size_t T = names_.size();
  for (const auto& [key, means] : {std::pair{"first_epoch", first_}, std::pair{"last_epoch", last_}})
    for (size_t t = 0; t < T; ++t) json[key][names_[t]] = {{"loss", means.data()[t]}, {"weight", means.data()[T + t]}};
  return json;
}

}  // namespace multitask
