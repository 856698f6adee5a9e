// Robust: what robust_options.h asks for in the step of one classifier: its first pass, its loss, and an adversary's
// further passes, whose gradients are added. Read tasks/objective/adversary.h first: the kinds.
#pragma once

#include "tasks/objective/adversary.h"
#include "tasks/objective/class_loss.h"
#include "tasks/objective/slow_weights.h"
#include "tasks/run/training.h"

namespace objective {

class Robust {
 public:
  Robust(const RobustOptions& options, const spec::Task& task, nn::Model& net, uint64_t seed);

  // The first pass of a part of a step: the encoder, with the embeddings moved where the adversary begins.
  //   [N] -> [B, C]
  nn::Encoded encode(long step, const text::Batch& part, nn::Trace* trace);
  // The step's parts are encoded once more from the first one on, with the draws that they had (nn/loss/cached.h).
  void rewind() { adversary_.rewind(); }
  // The loss of what it led to, instead of the cross-entropy where that is bent, times `weight`.
  void add_task_loss(run::Terms& terms, const std::string& name, double weight, const spec::Task& task,
                     const Tensor& logits, const text::Batch& part, const Shaping& shaping,
                     const std::function<Tensor()>& again) const;

  // The weights by which the step's parts share its loss: Batches::parts_at().
  std::vector<engine::real> weights_of_mean(const spec::Task& task) const { return loss_.weights_of_mean(task); }

  // How a program's model says something, and where gradients go.
  struct Way {
    std::function<Tensor(const nn::Encoded& x)> logits;
    std::function<void(const run::Terms& terms)> backward;
    long steps;  // of the whole run
  };
  // After backward(): what is still to be added, each by a pass of its own with the masks of the first:
  //   fgm     the loss at the steepest place
  //   pgd     the loss where the ascents end
  //   freelb  the other passes' shares of the loss; the first was the step's own
  //   smart   smart_weight times the symmetric KL of what is said with and without delta, and smart_proximal times that
  //           of what is said and what the weights' slow average says
  void more_passes(const Way& way, const spec::Task& task, double weight, const text::Batch& part);
  // The same for a model with one head, whose gradients go where the run counts them.
  void more_passes(run::Training& training, const spec::Task& task, double weight, const text::Batch& part);

  std::vector<Tensor> state() const;  // for a checkpoint: what continues bit for bit

 private:
  Tensor loss_of(const spec::Task& task, const Tensor& logits, const text::Batch& part) const;  // -> []
  void smart(const Way& way, double weight, const text::Batch& part);
  double first_weight() const { return adversary_.is("freelb") ? 1. / double(adversary_.ascents()) : 1; }

  RobustOptions options_;
  nn::Model& net_;
  ClassLoss loss_;
  Adversary adversary_;
  std::optional<SlowWeights> slow_;
  long step_ = 0;
  Tensor delta_;  // [N, C], what has been added to the embeddings
};

}  // namespace objective
