// Losses for unequal classes, and mixtures of texts. Read tasks/objective/class_loss.h and nn/loss/imbalance.h first.
#include "tasks/objective/class_loss.h"

#include <cmath>

#include "nn/loss/imbalance.h"
#include "tasks/spec/loss.h"

namespace objective {

using engine::check;
using engine::Indices;
using engine::real;

ClassLoss::ClassLoss(const RobustOptions& options, const spec::Task& task) : options_(options) {
  if (options.class_loss == "cross-entropy" || !one_of_several(task.spec)) return;
  counts_.assign(size_t(task.spec.labels.size()), 0);
  const spec::Targets& targets = task.targets[spec::kTrain];
  for (const int row : targets.rows) ++counts_[size_t(targets.classes[size_t(row)])];
  for (size_t c = 0; c < counts_.size(); ++c)
    check(counts_[c] > 0 || options.class_loss == "focal", "--class-loss {}: no text to train on is of class '{}'",
          options.class_loss, task.spec.labels.name(int(c)));
  if (options.class_loss == "margins") margins_ = nn::label_margins(counts_, real(options.margin));
}

bool ClassLoss::is_plain_mean(const spec::Task& task) const {
  return options_.class_loss == "focal" && one_of_several(task.spec);
}

std::vector<real> ClassLoss::weights_of_mean(const spec::Task& task) const {
  return is_plain_mean(task) ? std::vector<real>() : task.loss_options.class_weights;
}

double ClassLoss::weight_in_loss(const spec::Task& task, const spec::Targets& targets, int text) const {
  return is_plain_mean(task) ? 1 : spec::weight_in_loss(task, targets, text);
}

Tensor ClassLoss::of(const Tensor& y, const Indices& classes, const spec::Task& task) const {
  const std::vector<real>& weights = task.loss_options.class_weights;
  if (options_.class_loss == "focal") return nn::focal(y, classes, real(options_.focal_gamma), weights);
  if (options_.class_loss == "margins")
    return nn::margin_loss(y, classes, margins_, real(options_.margin_scale), weights);
  if (options_.class_loss == "logit-adjusted") return nn::logit_adjusted(y, classes, counts_, real(options_.tau));
  return engine::cross_entropy(y, classes, task.loss_options);
}

namespace {

// Of Beta(a, a): u^(1/a) / (u^(1/a) + v^(1/a)) of the first u, v uniform whose powers' sum is 1 at most (Johnk 1964).
// In logarithms: of a small a both powers are 0.
double beta(double a, const engine::Random& random) {
  for (uint64_t at = 0; at < 20000; at += 2) {
    uint32_t w[2];
    random.words(at, 2, w);
    const double u = std::log((w[0] + 0.5) / 4294967296.0) / a, v = std::log((w[1] + 0.5) / 4294967296.0) / a;
    if (std::exp(u) + std::exp(v) <= 1) return 1 / (1 + std::exp(v - u));
  }
  return 0.5;
}

}  // namespace

// mixup (Zhang et al. 2018) of pooled states: the classifier behind them is linear, so their mixture's logits are the
// mixture of their logits.
//   y' = l y + (1 - l) y_pi,   loss = l L(y', c) + (1 - l) L(y', c_pi),   l of Beta(a, a), pi permutes the batch
Tensor ClassLoss::operator()(const spec::Task& task, const Tensor& logits, const text::Batch& batch,
                             const Indices& which, engine::Random random) const {
  const spec::Targets& targets = task.targets[spec::kTrain];
  if (!options_.bends_loss() || !one_of_several(task.spec)) return spec::task_loss(task, targets, logits, batch, which);
  const Tensor y = text::logits_of(logits, batch, which);  // [b, K]
  Indices classes;
  for (const int place : which) classes.push_back(targets.classes[size_t(batch.rows[size_t(place)])]);
  if (options_.mixup == 0) return of(y, classes, task);
  ++random.call;
  const auto l = real(beta(options_.mixup, random));
  ++random.call;
  const Indices other = engine::permutation(int(classes.size()), random);
  Indices theirs;
  for (const int i : other) theirs.push_back(classes[size_t(i)]);
  const Tensor mixed = y * l + engine::gather_rows(y, other) * (1 - l);
  return of(mixed, classes, task) * l + of(mixed, theirs, task) * (1 - l);
}

}  // namespace objective
