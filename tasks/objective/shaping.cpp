// The options that shape attention, and their sum. The formulas stand in nn/transfer.cpp and nn/losses.cpp.
#include "tasks/objective/shaping.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "nn/loss/agreement.h"
#include "nn/loss/attention_transfer.h"
#include "tasks/run/console.h"

namespace objective {

using engine::real;
using engine::Tensor;

void AdjustmentOptions::declare(CLI::App& app) {
  const char* group = "Attention";
  app.add_option("--attention-temperature", temperature, "divides the scores: above 1 attention is flatter; default 1")
      ->group(group)
      ->check(run::between(1e-3, 1e3));
  app.add_option("--attention-normaliser", normaliser,
                 "softmax, sparsemax or entmax15, which give many tokens exactly nothing; default softmax")
      ->group(group)
      ->check(CLI::IsMember({"softmax", "sparsemax", "entmax15"}));
  app.add_option("--attention-window", window,
                 "local attention: a token sees that many tokens on either side, and the global ones; 0: all see all")
      ->group(group)
      ->check(run::between(0, 1e6));
  app.add_option("--global-tokens", global_tokens,
                 "with a window: so many first tokens see all and are seen by all; 1, the default, is [CLS]")
      ->group(group)
      ->check(run::between(1, 1e6));
  app.add_option("--entropy-penalty", entropy_penalty,
                 "weight of attention's entropy (nats) in the loss: above 0 attention gets sharper, below 0 flatter")
      ->group(group)
      ->check(run::between(-1e3, 1e3));
  app.add_option("--target-entropy", target_entropy, "nats that the entropy of each layer is drawn to")
      ->group(group)
      ->check(run::between(0.0, 100.0));
  app.add_option("--target-entropy-weight", target_entropy_weight, "weight of the squared distance to it")
      ->group(group)
      ->check(run::not_negative());
  app.add_option("--head-disagreement", head_disagreement, "weight of what the heads of a layer have in common")
      ->group(group)
      ->check(run::not_negative());
  app.add_option("--guide", guide, "lexicon that attention is drawn to: lines WORD, or WORD TAB WEIGHT")->group(group);
  app.add_option("--guide-weight", guide_weight, "weight of the lexicon's, or the rationales', cross-entropy")
      ->group(group)
      ->check(run::not_negative());
  app.add_option("--r-drop", r_drop, "weight of the distance run::between two passes with other dropout masks")
      ->group(group)
      ->check(run::not_negative());
}

void AdjustmentOptions::apply(nn::Config& config) const {
  if (temperature) config.attention_temperature = *temperature;
  if (normaliser) config.attention_normaliser = *normaliser;
  if (window) config.attention_window = *window;
  if (global_tokens) config.global_tokens = *global_tokens;
  engine::check(!global_tokens || config.attention_window || *global_tokens == 1,
                "--global-tokens needs --attention-window: without a window all tokens see all");
}

Adjustments::Adjustments(const AdjustmentOptions& options, const std::vector<text::Example>& examples,
                         const text::WordPiece& tokenizer)
    : options_(options) {
  long unknown = 0;
  if (!options.guide.empty()) lexicon_ = text::Guide::from_lexicon(options.guide, tokenizer, unknown);
  if (unknown) run::print_note("warning: {}: the vocabulary does not know {} of its words\n", options.guide, unknown);
  const bool marked =
      std::any_of(examples.begin(), examples.end(), [](const text::Example& e) { return !e.rationale.empty(); });
  if (marked) rationales_ = text::Guide::from_rationales(examples, tokenizer);
}

bool Adjustments::look_at_attention() const {
  return options_.entropy_penalty != 0 || options_.target_entropy || options_.head_disagreement > 0 || lexicon_ ||
         rationales_;
}

namespace {

// The prior of the tokens that a layer still has.
Tensor prior_of(const Tensor& prior, const engine::Indices& rows) {
  const long N = long(rows.size());
  return rows.empty() ? prior : reshape(gather_rows(reshape(prior, {prior.numel(), 1}), rows), {N});
}

// The mean over the layers of a term; entered into the figures without its weight.
template <class Term>
Tensor over_layers(const char* name, const nn::Trace& trace, double share, nlohmann::ordered_json& figures, Term term) {
  Tensor total = Tensor::zeros({});
  for (const nn::AttentionMaps& maps : trace.attention) total = total + term(maps);
  const Tensor mean = total * real(1. / double(trace.attention.size()));
  figures[name] = figures.value(name, 0.) + share * double(mean.item());
  return mean;
}

}  // namespace

Tensor Adjustments::add_to(const Tensor& loss, const nn::Trace& trace, const text::Batch& batch,
                           nlohmann::ordered_json& figures) const {
  if (!look_at_attention()) return loss;
  const auto term = [&](const char* name, auto body) { return over_layers(name, trace, batch.share, figures, body); };
  Tensor sum = loss;
  const Tensor entropy = term("entropy", [](const auto& m) { return nn::attention_entropy(m.probs, m.layout); });
  if (options_.entropy_penalty != 0) sum = sum + entropy * real(options_.entropy_penalty);
  if (options_.target_entropy)
    sum = sum + term("entropy_distance", [&](const auto& m) {
                  const Tensor distance =
                      nn::attention_entropy(m.probs, m.layout) - Tensor::full({}, real(*options_.target_entropy));
                  return distance * distance;
                }) * real(options_.target_entropy_weight);
  if (options_.head_disagreement > 0)
    sum = sum + term("head_overlap", [](const auto& m) { return nn::head_disagreement(m.probs, m.layout); }) *
                    real(options_.head_disagreement);
  for (const auto& [name, guide] : {std::pair{"guide", &lexicon_}, std::pair{"rationale", &rationales_}}) {
    if (!*guide) continue;
    const Tensor prior = (*guide)->prior(batch);  // [N]
    sum = sum + term(name, [&](const auto& m) {
                  return nn::guided_attention(m.probs, prior_of(prior, m.rows), m.layout);
                }) * real(options_.guide_weight);
  }
  return sum;
}

Tensor Adjustments::r_drop(const Tensor& loss, const Tensor& logits, const Tensor& second_logits,
                           const text::Batch& batch, const engine::CrossEntropyOptions& options,
                           nlohmann::ordered_json& figures) const {
  const Tensor second_loss = cross_entropy(second_logits, batch.labels, options);
  const Tensor distance = nn::symmetric_kl(logits, second_logits);
  figures["r_drop"] = figures.value("r_drop", 0.) + batch.share * double(distance.item());
  return (loss + second_loss) * real(0.5) + distance * real(options_.r_drop / 2);
}

}  // namespace objective
