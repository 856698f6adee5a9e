// How attention is shaped while a model is trained: options of every training program, and their terms of the loss. The
// formulas stand in nn/loss/attention_shape.cpp and nn/loss/agreement.cpp.
#pragma once

#include "nn/loss/agreement.h"
#include "nn/model/model.h"
#include "tasks/run/terms.h"
#include "tasks/spec/tasks.h"
#include "tasks/text/guide.h"

namespace run {
class Fingerprint;
class Options;
}  // namespace run

namespace objective {

struct ShapingOptions {
  double entropy_penalty = 0;            // weight of the mean entropy: above 0 attention gets sharper, below 0 flatter
  std::optional<double> target_entropy;  // in nats
  double target_entropy_weight = 1;
  double head_disagreement = 0;  // weight of what the heads of a layer have in common
  std::string guide;             // a lexicon file
  double guide_weight = 1;
  double r_drop = 0;  // alpha

  void declare(run::Options& options);            // all of them
  void declare_attention(run::Options& options);  // without R-Drop, which compares what is said of classes
  void declare_form(run::Options& options);       // without what guides it by words, too
  void add_to(run::Fingerprint& print) const;     // what is in the guide's file
  bool asks_for_a_form() const { return entropy_penalty != 0 || target_entropy || head_disagreement > 0; }
};

// The terms of how sharp and how alike attention is, means over `attention`; nothing, if nothing is asked for. `share`
// is that of the batch in its step, where the other terms are shares, too.
void add_form_terms(run::Terms& terms, const ShapingOptions& options, const std::vector<nn::AttentionMaps>& attention,
                    double share = 1);

// The terms of the loss. All are means over what attends: the layers, and a head's own queries.
class Shaping {
 public:
  // The examples are the training set's: their rationales, if they have any, guide attention as a lexicon does.
  Shaping(const ShapingOptions& options, const std::vector<text::Example>& examples, const text::WordPiece& tokenizer);

  bool looks_at_attention() const;  // whether the model has to show its attention
  // The trace to be filled, or nothing where nobody looks.
  nn::Trace* ask(nn::Trace& trace) const { return looks_at_attention() ? &trace : nullptr; }

  // `share` is that of the batch in its step, where the other terms are shares, too.
  void add_to(run::Terms& terms, const nn::Trace& trace, const text::Batch& batch, double share = 1) const;

  // R-Drop (Liang et al. 2021): the model runs twice, with other dropout masks.
  bool runs_twice() const { return options_.r_drop > 0; }
  // The task's loss, times weight; with R-Drop that of both passes (nn/loss/agreement.h), `again` the second of them.
  // Error: R-Drop of a head without classes.
  void add_task_loss(run::Terms& terms, const std::string& name, double weight, const spec::Task& task,
                     const engine::Tensor& logits, const text::Batch& batch,
                     const std::function<engine::Tensor()>& again) const;
  // Its parts, for a step of several tasks: over the texts `which` of the batch, places in it, the mean of both passes'
  // losses and the distance of what they say, [] each; and the weight of that.
  nn::TwoPasses two_passes(const spec::Task& task, const engine::Tensor& logits, const engine::Tensor& second,
                           const text::Batch& batch, const engine::Indices& which) const;
  double distance_weight() const { return nn::distance_weight(options_.r_drop); }

 private:
  ShapingOptions options_;
  std::optional<text::Guide> lexicon_, rationales_;
};

}  // namespace objective
