// Robust: what makes a classifier stand more than the texts it saw: texts said again in other words, losses for classes
// of unequal size, mixed texts, and embeddings moved against the model. Options of programs that train classifiers, and
// their part of a step. The formulas stand in nn/loss/imbalance.h, nn/loss/adversarial.h and tasks/text/augment.h.
#pragma once

#include "tasks/objective/shaping.h"
#include "tasks/run/training.h"

namespace objective {

using engine::Tensor;

struct RobustOptions {
  // before training: further texts
  std::string augment = "none", lexicon = "/usr/share/wordnet";
  long copies = 1;
  double augment_share = 0.1;
  double oversample = 0;
  // the loss
  std::string class_loss = "cross-entropy";
  double focal_gamma = 2, margin = 0.5, margin_scale = 1, tau = 1;
  double mixup = 0;
  // further passes
  std::string adversarial = "none";
  std::optional<double> size, rate, start;  // by the kind where they are not given
  std::optional<long> ascents;
  double smart_weight = 1;

  void declare(run::Options& options);
  // Error: what does not go together, or not with this head.
  void settle(nn::Predicts head, const ShapingOptions& shaping, double label_smoothing,
              const std::string& class_weights) const;
  bool bends_loss() const { return class_loss != "cross-entropy" || mixup > 0; }
  // The training texts of the one task, with what was asked for behind them: `copies` of each, then those of a class
  // again in turn until it has `oversample` times as many as the largest. A line says how many there are.
  void extend(spec::TaskSet& set, uint64_t seed) const;
  std::vector<std::string> inputs() const;  // directories that are read
};

// Its part of a step; all draws are by seed, step and text, so that a resumed run goes on to the same bits.
class Robust {
 public:
  Robust(const RobustOptions& options, const spec::TaskSet& set, nn::Model& net, uint64_t seed);

  // The first pass of a part of a step: the encoder, with the embeddings moved where the adversary begins.
  //   [N] -> [B, C]
  nn::Encoded encode(long step, const text::Batch& part, nn::Trace* trace);
  // The loss of what it led to, instead of the cross-entropy where that is bent, times `weight`.
  void add_task_loss(run::Terms& terms, const std::string& name, double weight, const spec::Task& task,
                     const Tensor& logits, const text::Batch& part, const Shaping& shaping,
                     const std::function<Tensor()>& again) const;
  // After backward(): the adversary's passes, whose gradients are added.
  //   fgm     one, at delta = size g / |g|                                      (Miyato, Dai, Goodfellow 2017)
  //   pgd     `ascents` steps of `rate` within a ball of `size`; the last one counts       (Madry et al. 2018)
  //   freelb  from a drawn delta `ascents` passes in all, each with 1 / ascents of the loss, the first being the step's
  //           own; the same dropout in all                                      (Zhu et al. 2020)
  //   smart   smart_weight times the symmetric KL of what is said with and without delta, delta found by one ascent of
  //           it from a drawn one (Jiang et al. 2020), without its proximal term
  // g: d loss / d embeddings of a text, |.| its norm.
  void more_passes(run::Training& training, const spec::Task& task, double weight, const text::Batch& part);

 private:
  Tensor loss_of(const spec::Task& task, const Tensor& logits, const text::Batch& part) const;  // -> []
  Tensor class_loss(const Tensor& y, const engine::Indices& classes, const spec::Task& task) const;
  nn::Encoded pass(const text::Batch& part, const Tensor& delta) const;  // with the masks of the first
  Tensor climbed(const text::Batch& part, double rate, double size) const;
  void ascend(const text::Batch& part, const std::function<Tensor(const Tensor& logits)>& loss);
  void smart(run::Training& training, double weight, const text::Batch& part);
  double first_weight() const { return options_.adversarial == "freelb" ? 1. / double(ascents_) : 1; }
  engine::Random random(uint32_t what) const;

  RobustOptions options_;
  nn::Model& net_;
  uint64_t seed_;
  std::vector<long> counts_;           // [K] texts of each class
  std::vector<engine::real> margins_;  // [K]
  double size_ = 0, rate_ = 0, start_ = 0;
  long ascents_ = 1;
  uint32_t step_ = ~0u, part_ = 0, masks_ = 0;
  Tensor delta_;  // [N, C], what has been added to the embeddings
};

}  // namespace objective
