// The options that shape attention, and their sum. Read nn/loss/attention_shape.h first: the formulas.
#include "tasks/objective/shaping.h"

#include <algorithm>
#include <numeric>

#include "nn/format/files.h"
#include "nn/loss/attention_shape.h"
#include "tasks/run/console.h"
#include "tasks/run/fingerprint.h"
#include "tasks/spec/loss.h"

namespace objective {

using engine::real;
using engine::Tensor;

void ShapingOptions::declare(run::Options& options) {
  declare_attention(options);
  options.add("--r-drop", r_drop, "weight of the distance between two passes with other dropout masks")
      .group("Attention")
      .not_negative();
}

void ShapingOptions::declare_attention(run::Options& options) {
  declare_form(options);
  options.add("--guide", guide, "lexicon that attention is drawn to: lines WORD, or WORD TAB WEIGHT")
      .group("Attention");
  options.add("--guide-weight", guide_weight, "weight of the lexicon's, or the rationales', cross-entropy")
      .group("Attention")
      .only_with("--guide")
      .only_with("--rationale-column")
      .not_negative();
}

void ShapingOptions::add_to(run::Fingerprint& print) const {
  if (!guide.empty()) print.add("guide", nn::read_file(guide));
}

void ShapingOptions::declare_form(run::Options& options) {
  const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("Attention");
  };
  add("--entropy-penalty", entropy_penalty,
      "weight of attention's entropy (nats) in the loss: above 0 attention gets sharper, below 0 flatter")
      .between(-1e3, 1e3);
  add("--target-entropy", target_entropy, "nats that the entropy of each layer is drawn to").between(0, 100);
  add("--target-entropy-weight", target_entropy_weight, "weight of the squared distance to it")
      .only_with("--target-entropy")
      .not_negative();
  add("--head-disagreement", head_disagreement, "weight of what the heads of a layer have in common").not_negative();
}

Shaping::Shaping(const ShapingOptions& options, const std::vector<text::Example>& examples,
                 const text::WordPiece& tokenizer)
    : options_(options) {
  long unknown = 0;
  if (!options.guide.empty()) lexicon_ = text::Guide::from_lexicon(options.guide, tokenizer, unknown);
  if (unknown) run::print_note("warning: {}: the vocabulary does not know {} of its words\n", options.guide, unknown);
  const bool marked =
      std::any_of(examples.begin(), examples.end(), [](const text::Example& e) { return !e.rationale.empty(); });
  if (marked) rationales_ = text::Guide::from_rationales(examples, tokenizer);
}

bool Shaping::looks_at_attention() const { return options_.asks_for_a_form() || lexicon_ || rationales_; }

namespace {

// The prior of the tokens that a layer still has.
Tensor prior_of(const Tensor& prior, const engine::Indices& rows) {
  const long N = long(rows.size());
  return rows.empty() ? prior : reshape(gather_rows(reshape(prior, {prior.numel(), 1}), rows), {N});
}

// The mean over all that attends.
template <class Term>
Tensor mean_over(const std::vector<nn::AttentionMaps>& attention, Term term) {
  Tensor total = Tensor::zeros({});
  for (const nn::AttentionMaps& maps : attention) total = total + term(maps);
  return total * real(1. / double(attention.size()));
}

// Adds a term that is a mean over all that attends.
template <class Term>
void add_mean(run::Terms& terms, const char* name, double weight, const std::vector<nn::AttentionMaps>& attention,
              double share, Term term) {
  const Tensor mean = mean_over(attention, term);
  terms.add(name, weight, share == 1 ? mean : mean * real(share));
}

}  // namespace

void add_form_terms(run::Terms& terms, const ShapingOptions& options, const std::vector<nn::AttentionMaps>& attention,
                    double share) {
  if (!options.asks_for_a_form()) return;
  add_mean(terms, "entropy", options.entropy_penalty, attention, share,
           [](const nn::AttentionMaps& m) { return nn::attention_entropy(m.probs, m.layout); });
  if (options.target_entropy)
    add_mean(terms, "entropy_distance", options.target_entropy_weight, attention, share,
             [&](const nn::AttentionMaps& m) {
               const Tensor distance =
                   nn::attention_entropy(m.probs, m.layout) - Tensor::full({}, real(*options.target_entropy));
               return distance * distance;
             });
  if (options.head_disagreement > 0)
    add_mean(terms, "head_overlap", options.head_disagreement, attention, share,
             [](const nn::AttentionMaps& m) { return nn::head_disagreement(m.probs, m.layout); });
}

void Shaping::add_to(run::Terms& terms, const nn::Trace& trace, const text::Batch& batch, double share) const {
  if (!looks_at_attention()) return;
  engine::check(!trace.attention.empty(), "shaping: the model shows no attention");
  add_form_terms(terms, options_, trace.attention, share);
  for (const auto& [name, guide] : {std::pair{"guide", &lexicon_}, std::pair{"rationale", &rationales_}}) {
    if (!*guide) continue;
    const Tensor prior = (*guide)->prior(batch);  // [N]
    add_mean(terms, name, options_.guide_weight, trace.attention, share, [&](const nn::AttentionMaps& m) {
      return nn::guided_attention(m.probs, prior_of(prior, m.rows), m.layout);
    });
  }
}

void Shaping::add_task_loss(run::Terms& terms, const std::string& name, double weight, const spec::Task& task,
                            const Tensor& logits, const text::Batch& batch,
                            const std::function<Tensor()>& again) const {
  if (!runs_twice()) return terms.add(name, weight, spec::task_loss(task, task.targets[spec::kTrain], logits, batch));
  engine::Indices all(batch.rows.size());
  std::iota(all.begin(), all.end(), 0);
  const nn::TwoPasses both = two_passes(task, logits, again(), batch, all);
  terms.add(name, weight, both.loss);
  terms.add("r_drop", weight * distance_weight(), both.distance);
}

nn::TwoPasses Shaping::two_passes(const spec::Task& task, const Tensor& logits, const Tensor& second,
                                  const text::Batch& batch, const engine::Indices& which) const {
  engine::check(task.spec.head == nn::Predicts::label,
                "R-Drop compares what two passes say of classes; got a head '{}'", spec::head_name(task.spec.head));
  const auto loss_of = [&](const Tensor& y) {
    return spec::task_loss(task, task.targets[spec::kTrain], y, batch, which);
  };
  const auto said = [&](const Tensor& y) { return text::logits_of(y, batch, which); };  // -> [b, K]
  return nn::two_passes(loss_of(logits), loss_of(second), said(logits), said(second));
}

}  // namespace objective
