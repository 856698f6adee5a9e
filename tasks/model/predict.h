// What the heads of a model say of texts. A model is not changed by it: several threads may ask at once, each its own.
#pragma once

#include <functional>

#include "tasks/model/text_model.h"
#include "tasks/spec/tasks.h"

namespace model {

using engine::Indices;
using engine::Tensor;

// What a head says of every text of a set, in order.
struct Outputs {
  // label, ordinal, labels: probabilities [n][K], those of a label by the head's temperature; a number: [n][1]
  std::vector<std::vector<double>> scores;
  Indices ranks;              // ordinal: the class of each text, whose probability need not be the highest
  std::vector<Indices> tags;  // tags: the best class of every token of a text, the second one of a pair left out
  int best_of(size_t i) const;
  std::vector<int> best() const;  // the class of each text: the most probable one, or its rank
};

constexpr int kEvaluationBatch = 32;

// The given heads over the texts, each text once through the encoder; all heads, if none is named. `on_logits`, if
// given, hears of every batch and head its logits; `progress` how many texts are done.
// Error: the model is in the middle of a training step; logits that are no numbers.
using OnLogits = std::function<void(size_t head, const Tensor& logits, const text::Batch& batch)>;
std::vector<Outputs> predict(const TextModel& model, const text::EncodedSet& set, const std::vector<size_t>& heads = {},
                             const OnLogits& on_logits = nullptr, const std::function<void(long)>& progress = nullptr);

// The tag of every word, by the token at its place; "O", or the first tag, for a word without one.
std::vector<std::string> tags_of_words(const spec::TaskSpec& task, const Indices& tags, const Indices& places);

}  // namespace model
