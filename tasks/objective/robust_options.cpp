// Options of robustness, what of them goes together, and the texts that they add. Read
// tasks/objective/robust_options.h first, and tasks/text/augment.h: how a text is changed.
#include "tasks/objective/robust_options.h"

#include <algorithm>
#include <cmath>

#include "tasks/run/console.h"
#include "tasks/text/augment.h"
#include "tasks/text/wordnet.h"

namespace objective {

using engine::check;
using engine::Indices;

void RobustOptions::declare(run::Options& options) {
  declare_texts(options);
  const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("Robustness");
  };
  add("--oversample", oversample,
      "texts of rare classes stand there again, until each class has this share of the largest; 1: as many")
      .between(0, 1);
  add("--class-loss", class_loss,
      "cross-entropy; or for classes of unequal size: focal, margins (LDAM), logit-adjusted")
      .one_of({"cross-entropy", "focal", "margins", "logit-adjusted"});
  add("--focal-gamma", focal_gamma, "of focal: how little counts what is right already")
      .only_with("--class-loss", {"focal"})
      .not_negative();
  add("--margin", margin, "of margins: that of the rarest class, in logits")
      .only_with("--class-loss", {"margins"})
      .not_negative();
  add("--margin-scale", margin_scale, "of margins: what the logits are multiplied with")
      .only_with("--class-loss", {"margins"})
      .between(1e-3, 1e3);
  add("--tau", tau, "of logit-adjusted: how much of the logarithm of a class's share is added")
      .only_with("--class-loss", {"logit-adjusted"})
      .not_negative();
  declare_adversary(options);
  add("--smart-proximal", smart_proximal,
      "of smart: weight of the distance to what a slow average of the weights says; 0: none, and no memory for it")
      .only_with("--adversarial", {"smart"})
      .not_negative();
}

void RobustOptions::declare_of_episodes(run::Options& options) {
  declare_texts(options);
  options.add("--class-loss", class_loss, "cross-entropy, or focal: what is right already counts little")
      .group("Robustness")
      .one_of({"cross-entropy", "focal"});
  options.add("--focal-gamma", focal_gamma, "of focal: how little")
      .group("Robustness")
      .only_with("--class-loss", {"focal"})
      .not_negative();
  declare_adversary(options);
  smart_proximal = 0;
}

void RobustOptions::declare_texts(run::Options& options) {
  const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("Robustness");
  };
  add("--augment", augment,
      "further training texts: eda, synonyms put in, words swapped or left out; words, left out or doubled; "
      "characters, slips of the fingers")
      .one_of({"none", "eda", "words", "characters"});
  const std::vector<std::string> changed{"eda", "words", "characters"};
  add("--copies", copies, "how many of each text").only_with("--augment", changed).positive();
  add("--augment-share", augment_share, "share of the words that is changed")
      .only_with("--augment", changed)
      .between(0, 1);
  add("--lexicon", lexicon, "directory of WordNet's files (Debian: wordnet-base), for the synonyms of --augment eda")
      .only_with("--augment", {"eda"});
}

void RobustOptions::declare_adversary(run::Options& options) {
  const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("Robustness");
  };
  add("--mixup", mixup, "two texts' pooled states are mixed, by Beta(this, this); 0: none").between(0, 4);
  add("--adversarial", adversarial,
      "embeddings moved where the loss rises most: fgm (a pass more), pgd, freelb (--adversarial-steps passes), smart")
      .one_of({"none", "fgm", "pgd", "freelb", "smart"});
  const char* how = "--adversarial";
  add("--adversarial-size", size, "how far at most, the norm of a text's: fgm, pgd and smart 1, freelb 0 (no bound)")
      .only_with(how, {"fgm", "pgd", "freelb", "smart"});
  add("--adversarial-rate", rate, "how far by one step: pgd 0.3, freelb and smart 1")
      .only_with(how, {"pgd", "freelb", "smart"});
  add("--adversarial-start", start, "the norm of what it begins with: freelb 0.6, smart 0.1")
      .only_with(how, {"freelb", "smart"});
  add("--adversarial-steps", ascents, "pgd and freelb 3, smart 1")
      .only_with(how, {"pgd", "freelb", "smart"})
      .positive();
  add("--smart-weight", smart_weight, "of smart's distance in the loss").only_with(how, {"smart"}).not_negative();
}

namespace {

// The options that are about classes, with what they are called.
std::vector<std::string> about_classes(const RobustOptions& o) {
  std::vector<std::string> given;
  if (o.oversample > 0) given.push_back("--oversample");
  if (o.class_loss != "cross-entropy") given.push_back("--class-loss");
  if (o.mixup > 0) given.push_back("--mixup");
  if (o.adversarial == "smart") given.push_back("--adversarial smart");
  return given;
}

}  // namespace

bool one_of_several(const spec::TaskSpec& task) {
  return task.head == nn::Predicts::label && task.loss == "cross_entropy";
}

void RobustOptions::settle(nn::Predicts head, const ShapingOptions& shaping, double label_smoothing,
                           const std::string& class_weights) const {
  for (const std::string& option : about_classes(*this))
    check(head == nn::Predicts::label, "{} is about classes; --head {} has none of its own", option,
          spec::head_name(head));
  const bool plain = class_loss == "cross-entropy";
  check(plain || label_smoothing == 0, "--class-loss {} has no label smoothing", class_loss);
  check(class_loss != "logit-adjusted" || class_weights == "none",
        "--class-loss logit-adjusted has no class weights: it is in their place");
  check(shaping.r_drop == 0 || (!bends_loss() && adversarial != "freelb"),
        "--r-drop compares two plain passes; not with --class-loss, --mixup or --adversarial freelb");
  check(adversarial != "smart" || smart_weight > 0 || smart_proximal > 0,
        "--adversarial smart without a weight adds nothing: --smart-weight is 0, and there is no --smart-proximal");
  for (const auto& [given, name] : {std::pair{&size, "size"}, {&rate, "rate"}, {&start, "start"}})
    check(!*given || **given >= 0, "--adversarial-{} must be 0 or more; got {}", name, given->value_or(0));
}

void RobustOptions::settle(const std::vector<spec::TaskSpec>& tasks, const std::string& file,
                           const ShapingOptions& shaping) const {
  settle(nn::Predicts::label, shaping, 0, "none");
  const std::vector<std::string> given = about_classes(*this);
  check(given.empty() || std::ranges::any_of(tasks, one_of_several),
        "{}: {} is about classes; no task predicts one of several by cross_entropy", file,
        given.empty() ? "" : given[0]);
  for (const spec::TaskSpec& task : tasks)
    if (one_of_several(task))
      spec::within(task.where, [&] { settle(task.head, shaping, task.label_smoothing, task.class_weights); });
}

std::vector<std::string> RobustOptions::inputs() const {
  return augment == "eda" ? std::vector<std::string>{lexicon} : std::vector<std::string>();
}

std::vector<text::Example> RobustOptions::copies_of(const std::vector<text::Example>& texts, uint64_t seed) const {
  if (augment == "none") return {};
  const text::Augmentation how = text::augmentation_named(augment);
  std::optional<text::WordNet> words;
  text::Synonyms synonyms;
  if (how == text::Augmentation::eda) {
    words.emplace(lexicon);
    synonyms = [&](const std::string& word) { return words->synonyms(word); };
  }
  std::vector<text::Example> all;
  for (long copy = 0; copy < copies; ++copy)
    for (size_t i = 0; i < texts.size(); ++i) {
      text::Example& again = all.emplace_back(texts[i]);
      const engine::Random random{seed, engine::Stream::sample, uint32_t(copy), uint32_t(i)};
      again.text = text::augmented(again.text, how, augment_share, synonyms, random);
      again.rationale.clear();  // its passages need no longer stand there
    }
  return all;
}

namespace {

// A further training text of a corpus with the targets of text `of`, for the tasks of the corpus that `reads` names.
template <class Reads>
void append(spec::TaskSet& set, int corpus, const text::Example& again, size_t of, Reads reads) {
  std::vector<text::Example>& texts = set.corpora[size_t(corpus)].examples[spec::kTrain];
  const int row = int(texts.size());
  texts.push_back(again);
  for (spec::Task& task : set.tasks) {
    if (task.corpus != corpus) continue;
    spec::Targets& t = task.targets[spec::kTrain];
    if (!t.classes.empty()) t.classes.push_back(int(t.classes[of]));
    if (!t.sets.empty()) t.sets.push_back(std::vector<bool>(t.sets[of]));
    if (!t.numbers.empty()) t.numbers.push_back(double(t.numbers[of]));
    if (!t.tags.empty()) t.tags.push_back(Indices(t.tags[of]));
    if (reads(task)) t.rows.push_back(row);
  }
}

bool has_tags(const spec::TaskSet& set, int corpus) {
  return std::ranges::any_of(
      set.tasks, [&](const spec::Task& task) { return task.corpus == corpus && task.spec.head == nn::Predicts::tags; });
}

// Copies of a corpus' texts, for the tasks that use them.
void add_copies(spec::TaskSet& set, int corpus, const std::vector<text::Example>& copies) {
  const size_t n = set.corpora[size_t(corpus)].examples[spec::kTrain].size();
  std::vector<std::vector<bool>> used;  // [T][n]
  for (const spec::Task& task : set.tasks) {
    used.emplace_back(n, false);
    if (task.corpus == corpus)
      for (const int row : task.targets[spec::kTrain].rows) used.back()[size_t(row)] = true;
  }
  for (size_t i = 0; i < copies.size(); ++i) {
    const auto reads = [&](const spec::Task& task) { return bool(used[size_t(&task - set.tasks.data())][i % n]); };
    if (std::ranges::any_of(set.tasks, reads)) append(set, corpus, copies[i], i % n, reads);
  }
}

// Of each class as many as `share` of the largest; weights "balanced" are those of what is there then.
void add_rare(spec::TaskSet& set, size_t t, double share) {
  const spec::Targets& targets = set.tasks[t].targets[spec::kTrain];
  const int K = set.tasks[t].spec.labels.size(), corpus = set.tasks[t].corpus;
  std::vector<std::vector<size_t>> of_class(static_cast<size_t>(K));
  for (const int row : targets.rows) of_class[size_t(targets.classes[size_t(row)])].push_back(size_t(row));
  const size_t most = std::ranges::max_element(of_class, {}, &std::vector<size_t>::size)->size();
  const auto wanted = size_t(std::lround(share * double(most)));
  for (const auto& rows : of_class)
    for (size_t k = rows.size(); !rows.empty() && k < wanted; ++k) {
      const size_t of = rows[k % rows.size()];
      const text::Example again = set.corpora[size_t(corpus)].examples[spec::kTrain][of];
      append(set, corpus, again, of, [&](const spec::Task& task) { return &task == &set.tasks[t]; });
    }
  if (set.tasks[t].spec.class_weights != "balanced") return;
  Indices seen;
  for (const int row : targets.rows) seen.push_back(targets.classes[size_t(row)]);
  set.tasks[t].loss_options.class_weights = text::balanced_weights(seen, K);
}

}  // namespace

void RobustOptions::extend(spec::TaskSet& set, uint64_t seed) const {
  if (augment == "none" && oversample == 0) return;
  size_t before = 0, after = 0;
  bool changed = augment == "none";
  for (size_t c = 0; c < set.corpora.size(); ++c) {
    before += set.corpora[c].examples[spec::kTrain].size();
    if (augment == "none" || has_tags(set, int(c))) continue;
    add_copies(set, int(c), copies_of(set.corpora[c].examples[spec::kTrain], seed));
    changed = true;
  }
  check(changed, "--augment changes words, and all texts have tags for theirs as they stand");
  for (size_t t = 0; oversample > 0 && t < set.tasks.size(); ++t)
    if (one_of_several(set.tasks[t].spec)) add_rare(set, t, oversample);
  for (const spec::Corpus& corpus : set.corpora) after += corpus.examples[spec::kTrain].size();
  run::print_note("{} texts to train on, {} of them added\n", after, after - before);
}

}  // namespace objective
