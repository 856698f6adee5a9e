// What makes a classifier stand more than the texts it saw: texts said again in other words, losses for classes of
// unequal size, mixed texts, and embeddings moved against the model. Options of programs that train classifiers; their
// part of a step stands in robust.h. Formulas: nn/loss/imbalance.h, nn/loss/adversarial.h, tasks/text/augment.h.
#pragma once

#include "tasks/objective/shaping.h"
#include "tasks/run/options.h"

namespace objective {

// Whether a task predicts one class of several by cross-entropy: what is about classes is for these.
bool one_of_several(const spec::TaskSpec& task);

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
  double smart_weight = 1, smart_proximal = 1;

  void declare(run::Options& options);
  // Of texts that episodes draw, as many of each class: without what is about classes of unequal size, and without what
  // remembers earlier steps.
  void declare_of_episodes(run::Options& options);
  // Error: what does not go together, or not with this head.
  void settle(nn::Predicts head, const ShapingOptions& shaping, double label_smoothing,
              const std::string& class_weights) const;
  // The same of several tasks: what is about classes needs one of them at least that has some.
  void settle(const std::vector<spec::TaskSpec>& tasks, const std::string& file, const ShapingOptions& shaping) const;
  bool bends_loss() const { return class_loss != "cross-entropy" || mixup > 0; }
  bool asks_for_anything() const { return bends_loss() || adversarial != "none"; }
  bool is_proximal() const { return adversarial == "smart" && smart_proximal > 0; }
  // What of the options is not given, by the kind of the adversary. SMART's own sizes, 1e-5 for each number, are below
  // what a loss in single precision shows (its distance was 7e-15): smart goes as far as fgm does. FreeLB's rate and
  // steps for ALBERT, 0.1 and 2, gained +0.4 ± 0.3 points on six inner splits of SST-2, 1 and 3 gain +2.2 ± 0.4.
  double size_of_ball() const { return size.value_or(adversarial == "freelb" ? 0 : 1); }
  double rate_of_ascent() const { return rate.value_or(adversarial == "pgd" ? 0.3 : 1); }
  double norm_of_start() const { return start.value_or(adversarial == "freelb" ? 0.6 : 0.1); }
  long number_of_ascents() const { return ascents.value_or(adversarial == "pgd" || adversarial == "freelb" ? 3 : 1); }

  // The training texts of all tasks, with what was asked for behind them: `copies` of each, then, for each task that
  // predicts one label, those of a class again in turn until it has `oversample` times as many as the largest. Texts
  // whose words have tags stay as they are. A line says how many there are. Error: all of them stay so.
  void extend(spec::TaskSet& set, uint64_t seed) const;
  // `copies` of each text, one after the other, changed by draws of their own; nothing without --augment.
  std::vector<text::Example> copies_of(const std::vector<text::Example>& texts, uint64_t seed) const;
  std::vector<std::string> inputs() const;  // directories that are read

 private:
  void declare_texts(run::Options& options);
  void declare_adversary(run::Options& options);
};

}  // namespace objective
