// Masked language modelling (Devlin et al. 2019): pieces of a text are hidden, and a model says what stood there.
#pragma once

#include "engine/random.h"
#include "nn/tokens.h"
#include "tasks/text/wordpiece.h"

namespace text {

using engine::Indices;

// What is hidden together: a piece; a word with all of its pieces (whole-word masking); or a span of words whose length
// is geometric, p = 0.2, at most ten (SpanBERT: Joshi et al. 2020).
enum class HideBy { piece, word, span };

struct MaskOptions {
  double share = 0.15;  // of the pieces of each sequence, rounded, at least one if there is one
  HideBy by = HideBy::piece;
  double hidden = 0.8, replaced = 0.1;  // of the chosen ones: become [MASK], become any piece; the others stay
  // ELECTRA's way (Clark et al. 2020): places are drawn one by one from all, a place drawn twice is one place.
  bool repeats = false;
};

struct Masked {
  nn::Tokens tokens;  // with the hidden pieces replaced
  Indices rows;       // [M] of the tokens, rising: those that are to be told
  Indices targets;    // [M] the pieces that stood there
};

// Chooses pieces of every sequence and hides them. Special pieces, [UNK] among them, are never chosen. Words and spans
// are taken while they fit into the share; the first one always is. What happens to sequence b is a function of the
// seed and draws[b] alone: neither the batch nor an interruption changes it.
Masked mask(nn::Tokens tokens, const std::vector<uint64_t>& draws, const WordPiece& tokenizer,
            const MaskOptions& options, uint64_t seed);

}  // namespace text
