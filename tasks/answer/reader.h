// Reader: texts through the model once: what it says of their intents, their vectors, and the tags of their words.
#pragma once

#include "tasks/answer/knowledge.h"
#include "tasks/answer/wording.h"
#include "tasks/model/text_model.h"
#include "tasks/spec/tasks.h"

namespace answer {

using engine::Indices;
using engine::Tensor;

// The tasks of an assistant's model, and its heads in their order: which intent, and, if any question has marks, which
// words are values, as B-slot, I-slot and O.
inline constexpr const char* kIntent = "intent";
inline constexpr const char* kSlots = "slots";
// Layers are read by their tokens' mean, word embeddings alone (`layers` false) by attention.
std::vector<spec::TaskSpec> tasks_of(const Knowledge& knowledge, bool layers, double label_smoothing = 0);

// The questions as examples of both tasks: their label is the intent's place in the knowledge, their target the tags.
std::vector<text::Example> examples_of(const Knowledge& knowledge);
// What else speaks of an intent: its name as words, and the sentences of its answer, slots by their names. Texts to
// learn from where there are few questions; none is a question.
std::vector<text::Example> hints_of(const Knowledge& knowledge);
std::string tags_of(const Question& question);  // a tag for each word between blanks

struct Read {
  std::vector<std::vector<double>> logits;  // [n][K]
  Tensor vectors;                           // [n, C] of unit length: what the intents are told from
  std::vector<Indices> tags;                // [n], of every token; empty without a head of slots
};

// What the classifier of intents reads of a batch, the mean over a text's windows, as unit rows, with its history.
//   context [W, C] -> [B, C]
Tensor unit_vectors(const Tensor& context, const text::Batch& batch);

// With `wording` its logits, times `weight`, come to those of the model.    Error: logits that are no numbers.
Read read(const model::TextModel& model, const std::vector<std::string>& texts, const Wording* wording = nullptr,
          double weight = 0);
text::EncodedSet encoded(const model::TextModel& model, const std::vector<std::string>& texts);

// What the tags say: of each slot the first value, without punctuation at its ends.
std::map<std::string, std::string> values_of(const model::TextModel& model, const std::string& text,
                                             const Indices& tags);

}  // namespace answer
