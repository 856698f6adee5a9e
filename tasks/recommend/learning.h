// Learning: histories cut into windows, packed into batches, and the losses of what comes next.
#pragma once

#include "tasks/recommend/sequence.h"
#include "tasks/recommend/split.h"
#include "tasks/run/terms.h"

namespace recommend {

// Places of some windows end to end, and the item that comes after each.
struct Batch {
  nn::Tokens tokens;  // N places
  Indices next;       // [N]
  Indices users;      // whose windows they are
  double share = 1;   // of the places of the step
};

// A window has at most `places` items that are read and the one behind the last; windows are cut from the end of a
// history and overlap by one item, so that every item but a history's first is predicted once an epoch. An epoch takes
// the windows in an order of its own, cut into steps of about equally many places. parts_at(step) is a function of the
// step alone.
class Windows {
 public:
  Windows(const std::vector<History>& histories, long places, long batch, int accumulate, uint64_t seed, bool shuffled);
  long steps_per_epoch() const { return steps_; }
  std::vector<Batch> parts_at(long step) const;

 private:
  std::vector<std::vector<int>> windows_;
  std::vector<int> user_;  // of each window
  long places_ = 0, steps_ = 1;
  int accumulate_;
  uint64_t seed_;
  bool shuffled_;
};

struct LossOptions {
  long negatives = 0;          // 0: the softmax is over all items
  double label_smoothing = 0;  // of the softmax over all
};

// What the losses need to know of the items: which were learned of, and how often each was taken.
class NextItem {
 public:
  NextItem(const std::vector<double>& counts, const LossOptions& options);

  // Adds the terms of a batch:
  //   next        mean_n -log softmax_i(s_ni)_{next_n}, over all items that were ever taken; or, with `negatives` K,
  //               over the next one and K others drawn with probability q_i, the same for all places, whose s_i are
  //               lowered by log(K q_i): e^s_i / (K q_i) summed over the draws stands for the sum over all (Bengio, Senecal
  //               2008), so that popular items are not pushed down. A draw that is the next one itself does not count
  //   candidate   of a model with attention by candidate: the same, sampled, of one place of each history, drawn, with the
  //               candidates' own attention over what stands before it
  // `call`: which part of the step; draws are functions of (seed, step, call).
  void add_losses(run::Terms& terms, const SequenceModel& model, const Batch& batch, uint32_t call) const;

 private:
  Indices draw(const engine::Random& random, long count) const;
  Tensor correction(const Indices& negatives, const Indices& next) const;
  Tensor over_all(const SequenceModel& model, const Tensor& v, const Tensor& users, const Indices& next) const;
  Tensor sampled(const SequenceModel& model, const Tensor& v, const Tensor& users, const Batch& batch,
                 uint32_t call) const;
  Tensor by_candidate(const SequenceModel& model, const Tensor& v, const Tensor& users, const Tensor& states,
                      const Batch& batch, uint32_t call) const;

  LossOptions options_;
  Indices known_, place_;      // items that were ever taken; [I] where they stand among them, or -1
  std::vector<double> share_;  // [I] q
  std::vector<double> up_to_;  // [K + 1] sums of q over known_
};

}  // namespace recommend
