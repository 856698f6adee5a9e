// Sampling: which tasks a training step has, and which of their examples.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/ops.h"

namespace multitask {

using engine::Indices;

struct SamplingOptions {
  std::string kind = "proportional";  // round-robin, uniform, proportional, temperature, annealed
  double temperature = 2;
  std::string batches = "mixed";  // every step has all tasks, or one
  int batch_size = 16;            // texts of a task, on the average, in a step that has it
  bool shuffle = true;
  uint64_t seed = 42;
};
const std::vector<std::string>& sampling_names();

// p [T], the share of each task, n its training examples:
//   round-robin, uniform  1 / T                          proportional  n / sum n
//   temperature           n^(1 / tau)                     (Arivazhagan et al. 2019)
//   annealed              n^a,  a = 1 - 0.8 (e - 1) / (E - 1) in epoch e of E: from proportional towards uniform
//                         (Stickland, Murray 2019); E = 1: proportional
// normalised to sum 1. `epoch` counts from 0.
std::vector<double> task_shares(const SamplingOptions& o, const std::vector<long>& sizes, long epoch, double epochs);

// What a task contributes to a step: the places of examples among its training rows.
struct Draw {
  int task;
  Indices places;
};

// Every second place of each draw, beginning with the first or the second one; of a single place, that one.
std::vector<Draw> half_of(const std::vector<Draw>& draws, bool second);

// The draws in at most `count` groups, in their order: each task's places are shared out as evenly as can be.
std::vector<std::vector<Draw>> shared_out(const std::vector<Draw>& draws, int count);

// A step is a function of its number: what was seen before it is counted, not remembered, so a resumed run goes on
// exactly. With "mixed" batches task t has T * batch_size * p_t examples in every step, one at least; with "one", step
// by step, a task in turn (round-robin) or drawn with probability p_t, with batch_size examples. A task's examples come
// in an order of their own, every one once before any comes again.
class Sampler {
 public:
  // `epochs` of the run, or, where that is not 0, its `max_steps`.
  Sampler(const SamplingOptions& options, std::vector<long> sizes, double epochs, long max_steps = 0);
  // An epoch is as many examples as all tasks have together.
  long steps_per_epoch() const { return steps_per_epoch_; }
  std::vector<Draw> at(long step);
  // The examples that each task has had up to and with the last at().
  const std::vector<long>& seen() const { return seen_; }

 private:
  std::vector<long> counts_at(long step) const;  // [T]
  Indices take(size_t task, long from, long count);

  SamplingOptions options_;
  std::vector<long> sizes_;
  double epochs_;
  long steps_per_epoch_;
  long next_ = 0;  // the step that seen_ leads up to
  std::vector<long> seen_;
  struct Order {
    long epoch = -1;
    Indices places;
  };
  std::vector<Order> orders_;
};

}  // namespace multitask
