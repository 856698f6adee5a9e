// Ties: what tasks learn from each other beside the encoder that they share, on texts that need no labels. Alignment:
// where the target task looks, or what it reads, should be where the source task looks, or what it reads. Agreement:
// two predictions of one text that is seen in two ways should be the same.
#pragma once

#include <optional>

#include "tasks/model/predict.h"
#include "tasks/run/fingerprint.h"
#include "tasks/run/options.h"

namespace objective {

using engine::Tensor;

// The weight over a run, p the share of it that is done:  constant w,   rise w p,   decay w (1 - p).
double tie_weight(const std::string& schedule, double w, double p);

struct Tie {
  spec::TieSpec spec;
  size_t from = 0, to = 0;  // heads: source and target; of an agreement the two that agree, perhaps one and the same
  text::EncodedSet texts;
  std::optional<text::Batches> batches;  // of these texts, in an order of its own
};

class Ties {
 public:
  // Error, with file and key: a task that the model does not have, or that cannot be tied like this.
  Ties(const spec::TaskFile& file, const model::TextModel& model, const spec::TaskSet& set,
       const run::TrainingOptions& o, long steps, long steps_per_epoch);
  bool empty() const { return ties_.empty(); }
  void add_to(run::Fingerprint& print) const;  // the texts: a run that is continued must find the same

  // Adds the gradient of every tie's loss, times its weight of this step, to what the parameters have.
  //   attention   mean_b KL(a_from || a_to) of where two tasks look, a the mean over a task's queries
  //   context     mean_b 1 - cos(C_from, C_to) of what two classifiers read, C the mean over a task's queries
  //               nothing reaches the source's head; the encoder learns from the target's side
  //   symmetric_kl, jensen_shannon   of the predictions of two views (engine/ops_loss.cpp, nn/loss/agreement.h); both
  //               sides learn
  // Returns {"NAME": value before the weight, ...}: a line of the log.
  nn::ordered_json backward(long step) const;

  // The hand-over: at the end of epoch `after`, the target's queries become a copy of the source's.
  void hand_over(long step) const;

 private:
  Tensor loss_of(const Tie& tie, const text::Batch& batch, long step) const;
  Tensor alignment(const Tie& tie, const text::Batch& batch) const;
  Tensor agreement(const Tie& tie, const text::Batch& batch, long step) const;

  const model::TextModel& model_;
  uint64_t seed_;
  long steps_, steps_per_epoch_;
  mutable std::vector<Tie> ties_;  // batches remember the order of their epoch
};

// C [B, H * C] of H queries -> [B, C]: their mean.
Tensor mean_over_queries(const Tensor& context, long queries);

// Linear CKA between what the tasks' classifiers read, for every pair of tasks that read a text as a whole, over the
// dev texts of all tasks: {"a,b": 0.83}. Empty for fewer than two such tasks or two texts.
nn::ordered_json likeness_of(const model::TextModel& model, const spec::TaskSet& set);

}  // namespace objective
