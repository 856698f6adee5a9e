// How attention is shaped while a model is trained: options of every training program, and their terms of the loss.
#pragma once

#include <nlohmann/json.hpp>

#include "tasks/model/text_model.h"
#include "tasks/text/guide.h"

namespace CLI {
class App;
}

namespace objective {

struct AdjustmentOptions {
  std::optional<double> temperature;          // of the scores
  std::optional<std::string> normaliser;      // softmax, sparsemax, entmax15
  std::optional<long> window, global_tokens;  // local attention
  double entropy_penalty = 0;            // weight of the mean entropy: above 0 attention gets sharper, below 0 flatter
  std::optional<double> target_entropy;  // in nats
  double target_entropy_weight = 1;
  double head_disagreement = 0;  // weight of what the heads of a layer have in common
  std::string guide;             // a lexicon file
  double guide_weight = 1;
  double r_drop = 0;  // alpha

  void declare(CLI::App& app);
  void apply(nn::Config& config) const;  // temperature, normaliser and window, which belong to the model
};

// The terms of the loss. All are means over the layers, and the log has each without its weight.
class Adjustments {
 public:
  // The examples are the training set's: their rationales, if they have any, guide attention as a lexicon does.
  Adjustments(const AdjustmentOptions& options, const std::vector<text::Example>& examples,
              const text::WordPiece& tokenizer);

  bool look_at_attention() const;  // whether the model has to show its attention
  // The loss with all terms added; what they are, times the batch's share, is added to `figures`.
  engine::Tensor add_to(const engine::Tensor& loss, const nn::Trace& trace, const text::Batch& batch,
                        nlohmann::ordered_json& figures) const;
  bool twice() const { return options_.r_drop > 0; }  // R-Drop: the model runs twice, with other dropout masks
  // (loss + loss of the second) / 2 + alpha / 2 D(logits, second logits), half of R-Drop's sum: the size of one loss.
  engine::Tensor r_drop(const engine::Tensor& loss, const engine::Tensor& logits, const engine::Tensor& second_logits,
                        const text::Batch& batch, const engine::CrossEntropyOptions& options,
                        nlohmann::ordered_json& figures) const;

 private:
  AdjustmentOptions options_;
  std::optional<text::Guide> lexicon_, rationales_;
};

}  // namespace objective
