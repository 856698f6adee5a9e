// Options of robustness, the texts that they add, and the passes of a step. Read tasks/objective/robust.h first.
#include "tasks/objective/robust.h"

#include <algorithm>
#include <cmath>

#include "nn/loss/adversarial.h"
#include "nn/loss/agreement.h"
#include "nn/loss/imbalance.h"
#include "tasks/run/console.h"
#include "tasks/spec/loss.h"
#include "tasks/text/augment.h"
#include "tasks/text/wordnet.h"

namespace objective {

using engine::check;
using engine::Indices;
using engine::real;
using engine::Tensor;

void RobustOptions::declare(run::Options& options) {
  const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("Robustness");
  };
  add("--augment", augment,
      "further training texts: eda, synonyms put in, words swapped or left out; words, left out or doubled; "
      "characters, "
      "slips of the fingers")
      .one_of({"none", "eda", "words", "characters"});
  add("--copies", copies, "how many of each text").positive();
  add("--augment-share", augment_share, "share of the words that is changed").between(0, 1);
  add("--lexicon", lexicon, "directory of WordNet's files (Debian: wordnet-base), for the synonyms of --augment eda");
  add("--oversample", oversample,
      "texts of rare classes stand there again, until each class has this share of the largest; 1: as many")
      .between(0, 1);
  add("--class-loss", class_loss,
      "cross-entropy; or for classes of unequal size: focal, margins (LDAM), logit-adjusted")
      .one_of({"cross-entropy", "focal", "margins", "logit-adjusted"});
  add("--focal-gamma", focal_gamma, "of focal: how little counts what is right already").not_negative();
  add("--margin", margin, "of margins: that of the rarest class, in logits").not_negative();
  add("--margin-scale", margin_scale, "of margins: what the logits are multiplied with").between(1e-3, 1e3);
  add("--tau", tau, "of logit-adjusted: how much of the logarithm of a class's share is added").not_negative();
  add("--mixup", mixup, "two texts' pooled states are mixed, by Beta(this, this); 0: none").between(0, 4);
  add("--adversarial", adversarial,
      "embeddings moved where the loss rises most: fgm (a pass more), pgd, freelb (--adversarial-steps passes), smart")
      .one_of({"none", "fgm", "pgd", "freelb", "smart"});
  add("--adversarial-size", size,
      "how far at most, the norm of a text's: fgm and pgd 1, freelb 0 (no bound), smart 1e-5");
  add("--adversarial-rate", rate, "how far by one step: pgd 0.3, freelb 0.1, smart 1e-3");
  add("--adversarial-start", start, "the norm of what it begins with: freelb 0.6, smart 1e-5");
  add("--adversarial-steps", ascents, "pgd 3, freelb 2, smart 1").positive();
  add("--smart-weight", smart_weight, "of smart's distance in the loss").not_negative();
}

void RobustOptions::settle(nn::Predicts head, const ShapingOptions& shaping, double label_smoothing,
                           const std::string& class_weights) const {
  const bool classes = head == nn::Predicts::label;
  const auto needs_labels = [&](bool given, const char* option) {
    check(classes || !given, "{} is about classes; --head {} has none of its own", option, spec::head_name(head));
  };
  needs_labels(oversample > 0, "--oversample");
  needs_labels(class_loss != "cross-entropy", "--class-loss");
  needs_labels(mixup > 0, "--mixup");
  needs_labels(adversarial == "smart", "--adversarial smart");
  const bool plain = class_loss == "cross-entropy";
  check(plain || label_smoothing == 0, "--class-loss {} has no label smoothing", class_loss);
  check(class_loss != "logit-adjusted" || class_weights == "none",
        "--class-loss logit-adjusted has no class weights: it is in their place");
  check(shaping.r_drop == 0 || (!bends_loss() && adversarial != "freelb"),
        "--r-drop compares two plain passes; not with --class-loss, --mixup or --adversarial freelb");
  for (const auto& [given, name] : {std::pair{&size, "size"}, {&rate, "rate"}, {&start, "start"}})
    check(!*given || **given >= 0, "--adversarial-{} must be 0 or more; got {}", name, given->value_or(0));
}

std::vector<std::string> RobustOptions::inputs() const {
  return augment == "eda" ? std::vector<std::string>{lexicon} : std::vector<std::string>();
}

namespace {

// Copies of the texts, each changed by draws of its own.
void add_copies(std::vector<text::Example>& texts, const RobustOptions& o, uint64_t seed) {
  const text::Augmentation how = text::augmentation_named(o.augment);
  std::optional<text::WordNet> words;
  text::Synonyms synonyms;
  if (how == text::Augmentation::eda) {
    words.emplace(o.lexicon);
    synonyms = [&](const std::string& word) { return words->synonyms(word); };
  }
  const size_t n = texts.size();
  for (long copy = 0; copy < o.copies; ++copy)
    for (size_t i = 0; i < n; ++i) {
      text::Example again = texts[i];
      const engine::Random random{seed, engine::Stream::sample, uint32_t(copy), uint32_t(i)};
      again.text = text::augmented(again.text, how, o.augment_share, synonyms, random);
      again.rationale.clear();  // its passages need no longer stand there
      texts.push_back(again);
    }
}

void add_rare(std::vector<text::Example>& texts, double share, int classes) {
  std::vector<std::vector<size_t>> of_class(size_t(classes), std::vector<size_t>{});
  for (size_t i = 0; i < texts.size(); ++i) of_class[size_t(texts[i].label)].push_back(i);
  size_t most = 0;
  for (const auto& rows : of_class) most = std::max(most, rows.size());
  const auto wanted = size_t(std::lround(share * double(most)));
  for (const auto& rows : of_class)
    for (size_t k = rows.size(); !rows.empty() && k < wanted; ++k) {
      const text::Example again = texts[rows[k % rows.size()]];
      texts.push_back(again);
    }
}

}  // namespace

void RobustOptions::extend(spec::TaskSet& set, uint64_t seed) const {
  if (augment == "none" && oversample == 0) return;
  const spec::Corpus& corpus = set.corpora[0];
  std::vector<text::Example> train = corpus.examples[spec::kTrain];
  const size_t before = train.size();
  if (augment != "none") add_copies(train, *this, seed);
  if (oversample > 0) add_rare(train, oversample, set.tasks[0].spec.labels.size());
  run::print_note("{} texts to train on, {} of them added\n", train.size(), train.size() - before);
  const bool separate = corpus.separate_test;
  set = spec::with_texts(set.tasks[0].spec, train, corpus.examples[spec::kDev], corpus.examples[spec::kTest]);
  set.corpora[0].separate_test = separate;
}

Robust::Robust(const RobustOptions& options, const spec::TaskSet& set, nn::Model& net, uint64_t seed)
    : options_(options), net_(net), seed_(seed) {
  const spec::Task& task = set.tasks[0];
  if (options.class_loss != "cross-entropy") {
    counts_.assign(size_t(task.spec.labels.size()), 0);
    for (const int c : task.targets[spec::kTrain].classes) ++counts_[size_t(c)];
    for (size_t c = 0; c < counts_.size(); ++c)
      check(counts_[c] > 0 || options.class_loss == "focal", "--class-loss {}: no text to train on is of class '{}'",
            options.class_loss, task.spec.labels.name(int(c)));
  }
  if (options.class_loss == "margins") margins_ = nn::label_margins(counts_, real(options.margin));
  const std::string& kind = options.adversarial;
  const bool pgd = kind == "pgd", freelb = kind == "freelb";
  size_ = options.size.value_or(kind == "smart" ? 1e-5 : freelb ? 0 : 1);
  rate_ = options.rate.value_or(pgd ? 0.3 : freelb ? 0.1 : 1e-3);
  start_ = options.start.value_or(freelb ? 0.6 : 1e-5);
  ascents_ = options.ascents.value_or(pgd ? 3 : freelb ? 2 : 1);
}

engine::Random Robust::random(uint32_t what) const {
  return {seed_ ^ engine::hash_of("robust"), engine::Stream::sample, step_, 4 * part_ + what};
}

namespace {

// A delta that the gradient is asked of.
Tensor asked(Tensor delta) {
  delta.require_grad();
  return delta;
}

// Uniform in a cube, of about this norm for each text (Zhu et al. 2020: u / sqrt(T C) times it, u in [-1, 1)).
Tensor drawn(const engine::Shape& shape, const Indices& offsets, double norm, const engine::Random& random) {
  Tensor d(shape);
  random.uniforms(1, d.numel(), d.data());
  const long C = d.dim(1);
  for (size_t b = 0; b + 1 < offsets.size(); ++b) {
    const double scale = norm / std::sqrt(double((offsets[b + 1] - offsets[b]) * C));
    for (long i = offsets[b] * C; i < offsets[b + 1] * C; ++i) d.data()[i] *= real(scale);
  }
  return d;
}

// While it lives, parameters want no gradient: a pass costs less, and leaves none behind.
class OnlyTheInput {
 public:
  explicit OnlyTheInput(const nn::Params& params) {
    for (Tensor t : params.tensors())
      if (t.wants_grad()) asleep_.push_back(t.require_grad(false));
  }
  ~OnlyTheInput() {
    for (Tensor& t : asleep_) t.require_grad();
  }
  OnlyTheInput(const OnlyTheInput&) = delete;

 private:
  std::vector<Tensor> asleep_;
};

}  // namespace

nn::Encoded Robust::encode(long step, const text::Batch& part, nn::Trace* trace) {
  part_ = uint32_t(step) == step_ ? part_ + 1 : 0;
  step_ = uint32_t(step);
  masks_ = net_.params.mode().calls;
  if (options_.adversarial == "none") return net_.encode(part.tokens, trace);
  const Tensor x = net_.encoder.embed(part.tokens);  // [N, C]
  delta_ = asked(options_.adversarial == "freelb" ? drawn(x.shape(), part.tokens.offsets, start_, random(0))
                                                  : Tensor::zeros(x.shape()));
  return net_.encoder.run(x + delta_, part.tokens.offsets, net_.rows_of(), trace);
}

nn::Encoded Robust::pass(const text::Batch& part, const Tensor& delta) const {
  net_.params.mode().calls = masks_;
  const Tensor x = net_.encoder.embed(part.tokens);
  return net_.encoder.run(x + delta, part.tokens.offsets, net_.rows_of());
}

Tensor Robust::class_loss(const Tensor& y, const Indices& classes, const spec::Task& task) const {
  const std::vector<real>& weights = task.loss_options.class_weights;
  if (options_.class_loss == "focal") return nn::focal(y, classes, real(options_.focal_gamma), weights);
  if (options_.class_loss == "margins")
    return nn::margin_loss(y, classes, margins_, real(options_.margin_scale), weights);
  if (options_.class_loss == "logit-adjusted") return nn::logit_adjusted(y, classes, counts_, real(options_.tau));
  return engine::cross_entropy(y, classes, task.loss_options);
}

namespace {

// Of Beta(a, a): u^(1/a) / (u^(1/a) + v^(1/a)) of the first u, v uniform whose powers' sum is 1 at most (Johnk 1964).
double beta(double a, const engine::Random& random) {
  for (uint64_t at = 0; at < 20000; at += 2) {
    uint32_t w[2];
    random.words(at, 2, w);
    const double u = std::pow((w[0] + 0.5) / 4294967296.0, 1 / a), v = std::pow((w[1] + 0.5) / 4294967296.0, 1 / a);
    if (u + v <= 1 && u + v > 0) return u / (u + v);
  }
  return 0.5;
}

}  // namespace

// mixup (Zhang et al. 2018) of pooled states: the classifier behind them is linear, so their mixture's logits are the
// mixture of their logits.
//   y' = l y + (1 - l) y_pi,   loss = l L(y', c) + (1 - l) L(y', c_pi),   l of Beta(a, a), pi a permutation of the batch
Tensor Robust::loss_of(const spec::Task& task, const Tensor& logits, const text::Batch& part) const {
  const spec::Targets& targets = task.targets[spec::kTrain];
  if (!options_.bends_loss()) return spec::task_loss(task, targets, logits, part);
  const Tensor y = text::mean_over_windows(logits, part);  // [B, K]
  Indices classes;
  for (const int row : part.rows) classes.push_back(targets.classes[size_t(row)]);
  if (options_.mixup == 0) return class_loss(y, classes, task);
  const auto l = real(beta(options_.mixup, random(1)));
  const Indices other = engine::permutation(int(classes.size()), random(2));
  Indices theirs;
  for (const int i : other) theirs.push_back(classes[size_t(i)]);
  const Tensor mixed = y * l + engine::gather_rows(y, other) * (1 - l);
  return class_loss(mixed, classes, task) * l + class_loss(mixed, theirs, task) * (1 - l);
}

void Robust::add_task_loss(run::Terms& terms, const std::string& name, double weight, const spec::Task& task,
                           const Tensor& logits, const text::Batch& part, const Shaping& shaping,
                           const std::function<Tensor()>& again) const {
  weight *= first_weight();
  if (!options_.bends_loss()) return shaping.add_task_loss(terms, name, weight, task, logits, part, again);
  terms.add(name, weight, loss_of(task, logits, part));
}

// delta + rate g / |g|, within the ball where it has a size.
Tensor Robust::climbed(const text::Batch& part, double rate, double size) const {
  const engine::NoGrad no_grad;
  const Indices& offsets = part.tokens.offsets;
  const Tensor to = delta_ + nn::steepest(delta_.grad_tensor(), offsets, real(rate));
  return asked((size > 0 ? nn::within_ball(to, offsets, real(size)) : to).clone());
}

// A pass for the gradient of delta alone.
void Robust::ascend(const text::Batch& part, const std::function<Tensor(const Tensor&)>& loss) {
  const OnlyTheInput only(net_.params);
  engine::backward(loss(net_.head()(pass(part, delta_))));
}

void Robust::more_passes(run::Training& training, const spec::Task& task, double weight, const text::Batch& part) {
  const std::string& kind = options_.adversarial;
  if (kind == "none") return;
  if (kind == "smart") return smart(training, options_.smart_weight * weight, part);
  const auto loss = [&](const Tensor& logits) { return loss_of(task, logits, part); };
  const auto counted = [&] {
    run::Terms terms;
    terms.add("adversarial", weight * first_weight(), loss(net_.head()(pass(part, delta_))));
    training.backward(terms, part.share, part.rows);
  };
  if (kind == "freelb") {
    for (long k = 1; k < ascents_; ++k) delta_ = climbed(part, rate_, size_), counted();
  } else if (kind == "pgd") {
    for (long k = 1; k < ascents_; ++k) delta_ = climbed(part, rate_, size_), ascend(part, loss);
    delta_ = climbed(part, rate_, size_), counted();
  } else {
    delta_ = climbed(part, size_, 0), counted();
  }
  delta_ = {};
}

void Robust::smart(run::Training& training, double weight, const text::Batch& part) {
  const Indices& offsets = part.tokens.offsets;
  const auto said = [&](const Tensor& delta) {
    return text::mean_over_windows(net_.head()(pass(part, delta)), part);  // [B, K]
  };
  const Tensor still = Tensor::zeros(delta_.shape());
  delta_ = asked(drawn(still.shape(), offsets, start_, random(0)));
  Tensor clean;
  {
    const engine::NoGrad no_grad;
    clean = said(still);
  }
  for (long k = 0; k < ascents_; ++k) {
    ascend(part, [&](const Tensor& logits) { return nn::symmetric_kl(text::mean_over_windows(logits, part), clean); });
    delta_ = climbed(part, rate_, size_);
  }
  run::Terms terms;
  terms.add("smart", weight, nn::symmetric_kl(said(still), said(delta_.detach())));
  training.backward(terms, part.share, part.rows);
  delta_ = {};
}

}  // namespace objective
