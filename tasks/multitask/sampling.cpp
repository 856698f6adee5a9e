// Tasks and examples of every step, drawn by counter. Read tasks/multitask/sampling.h first: the formulas.
#include "tasks/multitask/sampling.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace multitask {

using engine::check;
using engine::Stream;

const std::vector<std::string>& sampling_names() {
  static const std::vector<std::string> names{"round-robin", "uniform", "proportional", "temperature", "annealed"};
  return names;
}

std::vector<double> task_shares(const SamplingOptions& o, const std::vector<long>& sizes, long epoch, double epochs) {
  double power = 0;  // round-robin, uniform
  if (o.kind == "proportional") power = 1;
  if (o.kind == "temperature") power = 1 / o.temperature;
  if (o.kind == "annealed") power = epochs > 1 ? 1 - 0.8 * double(epoch) / (epochs - 1) : 1;
  std::vector<double> p;
  for (const long n : sizes) p.push_back(std::pow(double(n), std::max(0., power)));
  const double sum = std::accumulate(p.begin(), p.end(), 0.);
  for (double& share : p) share /= sum;
  return p;
}

Sampler::Sampler(const SamplingOptions& options, std::vector<long> sizes, double epochs, long max_steps)
    : options_(options), sizes_(std::move(sizes)), seen_(sizes_.size()), orders_(sizes_.size()) {
  const long T = long(sizes_.size()), B = options_.batch_size;
  check(T > 0 && *std::min_element(sizes_.begin(), sizes_.end()) > 0, "sampling: every task needs examples");
  const long all = std::accumulate(sizes_.begin(), sizes_.end(), 0L);
  const long of_a_step = options_.batches == "mixed" ? T * B : B;
  steps_per_epoch_ = (all + of_a_step - 1) / of_a_step;
  epochs_ = std::ceil(max_steps ? double(max_steps) / double(steps_per_epoch_) : epochs);
}

std::vector<long> Sampler::counts_at(long step) const {
  const std::vector<double> p = task_shares(options_, sizes_, step / steps_per_epoch_, epochs_);
  const size_t T = p.size();
  std::vector<long> counts(T);
  if (options_.batches == "mixed") {
    for (size_t t = 0; t < T; ++t)
      counts[t] = std::max(1L, std::lround(double(T) * double(options_.batch_size) * p[t]));
    return counts;
  }
  size_t chosen = size_t(step) % T;
  if (options_.kind != "round-robin") {
    uint32_t word = 0;
    engine::Random{options_.seed, Stream::shuffle, uint32_t(step), 1}.words(0, 1, &word);
    double left = double(word) / 4294967296.;  // [0, 1)
    for (chosen = 0; chosen + 1 < T && left >= p[chosen]; ++chosen) left -= p[chosen];
  }
  counts[chosen] = options_.batch_size;
  return counts;
}

// Examples from ... from + count - 1 of the endless sequence of a task.
Indices Sampler::take(size_t task, long from, long count) {
  Indices places;
  for (long i = from; i < from + count; ++i) {
    const long epoch = i / sizes_[task], place = i % sizes_[task];
    Order& order = orders_[task];
    if (options_.shuffle && order.epoch != epoch)
      order = {epoch, engine::permutation(int(sizes_[task]), {options_.seed, Stream::shuffle, uint32_t(epoch)})};
    places.push_back(options_.shuffle ? order.places[place] : int(place));
  }
  return places;
}

std::vector<Draw> half_of(const std::vector<Draw>& draws, bool second) {
  std::vector<Draw> half;
  for (const Draw& draw : draws) {
    half.push_back({draw.task, {}});
    for (size_t i = second && draw.places.size() > 1; i < draw.places.size(); i += 2)
      half.back().places.push_back(draw.places[i]);
  }
  return half;
}

std::vector<std::vector<Draw>> shared_out(const std::vector<Draw>& draws, int count) {
  if (count == 1) return {draws};
  std::vector<std::vector<Draw>> groups;
  for (long g = 0; g < count; ++g) {
    std::vector<Draw> group;
    for (const Draw& draw : draws) {
      const long n = long(draw.places.size()), begin = g * n / count, end = (g + 1) * n / count;
      if (begin < end) group.push_back({draw.task, {draw.places.begin() + begin, draw.places.begin() + end}});
    }
    if (!group.empty()) groups.push_back(std::move(group));
  }
  return groups;
}

std::vector<Draw> Sampler::at(long step) {
  if (step < next_) {
    next_ = 0;
    std::fill(seen_.begin(), seen_.end(), 0);
  }
  const auto count_up = [&](const std::vector<long>& counts) {
    for (size_t t = 0; t < counts.size(); ++t) seen_[t] += counts[t];
    ++next_;
  };
  while (next_ < step) count_up(counts_at(next_));
  const std::vector<long> counts = counts_at(step);
  std::vector<Draw> draws;
  for (size_t t = 0; t < counts.size(); ++t)
    if (counts[t]) draws.push_back({int(t), take(t, seen_[t], counts[t])});
  count_up(counts);
  return draws;
}

}  // namespace multitask
