// Learning: histories cut into windows, packed into batches, and the losses of what comes next.
#pragma once

#include "tasks/objective/shaping.h"
#include "tasks/recommend/split.h"
#include "tasks/recommend/transfer.h"
#include "tasks/run/terms.h"

namespace recommend {

using engine::real;

// Places of some windows end to end, and the item that comes after each.
struct Batch {
  nn::Tokens tokens;          // N places
  Indices next;               // [N]
  Indices users;              // whose windows they are
  std::vector<real> weights;  // [N] of the next one; empty: all 1
  double share = 1;           // of the weights of the step, or of its places
  Indices kinds = {};         // [N] of the items that are read, in Data::kinds
};

// A window has at most `places` items that are read and the one behind the last; windows are cut from the end of a
// history and overlap by one item, so that every item but a history's first is predicted once an epoch. An epoch takes
// the windows in an order of its own, cut into steps of about equally many places. parts_at(step) is a function of the
// step alone.
class Windows {
 public:
  // `weighted`: batches have the weights of what comes next.
  Windows(const std::vector<History>& histories, long places, long batch, int accumulate, uint64_t seed, bool shuffled,
          bool weighted = false);
  long steps_per_epoch() const { return steps_; }
  std::vector<Batch> parts_at(long step) const;

 private:
  std::vector<History> windows_;
  std::vector<int> user_;  // of each window
  long places_ = 0, steps_ = 1;
  int accumulate_;
  uint64_t seed_;
  bool shuffled_, weighted_;
};

struct LossOptions {
  long negatives = 0;          // 0: the softmax is over all items
  double label_smoothing = 0;  // of the softmax over all
  double distil_text = 0;      // weight of identities learning from texts
  bool weighted = false;       // an interaction counts as much as its weight
  TransferOptions transfer = {};
  objective::ShapingOptions shaping = {};  // of attention over the history
};

// What the losses need to know of the items: which were learned of, and how often each was taken.
class NextItem {
 public:
  // `teacher` may be null; else it must outlive this.
  NextItem(const std::vector<double>& counts, const LossOptions& options, const Teacher* teacher = nullptr);

  // Adds the terms of a batch:
  //   next        mean_n -log softmax_i(s_ni)_{next_n}, over all items that were ever taken; or, with `negatives` K,
  //               over the next one and K others drawn with probability q_i, the same for all places, whose s_i are
  //               lowered by log(K q_i): e^s_i / (K q_i) over the draws stands for the sum over all (Bengio, Senecal
  //               2008), so that popular items are not pushed down. A draw that is the next one itself does not count
  //   candidate   of a model with attention by candidate: the same, sampled, of one place drawn of each history, with
  //               the candidates' own attention over what stands before it
  //   distil      with `distil_text`: 1 - cos(e_i, t_i), t_i what the text adds to v_i, mean over items that come next
  //               and have a text: texts go into the identities (nn/loss/attention_transfer.h, hidden_cosine). Its
  //               gradient goes to the identities alone
  //   entropy ...  how sharp and how alike attention is (tasks/objective/shaping.h)
  //   aligned      with `align_kinds`: kinds_apart()
  //   and what a teacher hands over; `hard` is then the weight of `next` and `candidate`
  // With weights w of a batch `next` and `candidate` are sums of w_n times a place's loss, over sum w.
  // `call`: which part of the step; draws are functions of (seed, step, call).
  void add_losses(run::Terms& terms, const SequenceModel& model, const Batch& batch, uint32_t call,
                  const FreshTexts* fresh = nullptr) const;

 private:
  Indices draw(const engine::Random& random, long count) const;
  Tensor correction(const Indices& negatives, const Indices& next) const;
  Tensor logits(const SequenceModel& model, const Tensor& v, const Tensor& users) const;  // [N, K] of known items
  Tensor over_all(const Tensor& logits, const Batch& batch) const;
  Tensor sampled(const SequenceModel& model, const Tensor& v, const Tensor& users, const Batch& batch,
                 uint32_t call) const;
  Tensor by_candidate(const SequenceModel& model, const Tensor& v, const Tensor& users, const Tensor& states,
                      const Batch& batch, uint32_t call) const;

  bool looks_inside() const {
    return options_.shaping.asks_for_a_form() || options_.transfer.attention_kl + options_.transfer.align_kinds > 0;
  }

  LossOptions options_;
  const Teacher* teacher_;
  Indices known_, place_;      // items that were ever taken; [I] where they stand among them, or -1
  std::vector<double> share_;  // [I] q
  std::vector<double> up_to_;  // [K + 1] sums of q over known_
};

}  // namespace recommend
