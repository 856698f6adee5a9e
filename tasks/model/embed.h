// Vectors that stand for texts.
#pragma once

#include "tasks/model/text_model.h"

namespace model {

// A vector for each text of a set, in order: the mean of its tokens, or that of its first one; through windows the mean
// of theirs. Of a model whose only task is a vector it is what that one says.    n texts -> [n, C]
// Error: the first token of word embeddings; the model is in the middle of a training step; no numbers.
engine::Tensor embed(const TextModel& model, const text::EncodedSet& set, nn::Reads reads = nn::Reads::mean);

long vector_width(const TextModel& model);  // C

}  // namespace model
