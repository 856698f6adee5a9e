// Masked language modelling (Devlin et al. 2019): pieces of a text are hidden, and a model says what stood there.
#pragma once

#include "engine/random.h"
#include "tasks/text/batches.h"

namespace text {

struct Masked {
  Batch batch;      // with the hidden pieces replaced
  Indices rows;     // [M] of the batch's tokens: those that are to be told
  Indices targets;  // [M] the pieces that stood there
};

// Hides `share` of the pieces of every sequence, rounded, at least one if there is one; special pieces, [UNK] among them, are never
// chosen.
// Of the chosen 80 % become [MASK], 10 % any piece of the vocabulary, 10 % stay as they are. What happens to a text is a
// function of seed, epoch and its row in the set alone: neither the batch nor an interruption changes it.
Masked mask(Batch batch, const WordPiece& tokenizer, double share, uint64_t seed, uint32_t epoch);

}  // namespace text
