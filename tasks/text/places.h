// Where the tokens of an encoded text stand in it.
#pragma once

#include "tasks/text/wordpiece.h"

namespace text {

// What a tokenizer makes of a text before it is cut at its punctuation, and where each byte of it comes from.
struct Aligned {
  std::string text;
  std::vector<Span> source;
};
Aligned aligned(std::string_view text, const TokenizerOptions& options);

struct Place {
  int text = 0;               // 0: the first text, 1: the second
  size_t begin = 0, end = 0;  // its bytes; both 0 of [CLS] and [SEP]
  int word = 0;               // from 0; tokens of one word have the same, [CLS] and [SEP] are words of their own
};
// Of every token of an encoding, as encode() or encode_pair() made it of these texts.
std::vector<Place> places_of(const Encoding& encoding, std::string_view text, std::string_view pair,
                             const WordPiece& tokenizer);

}  // namespace text
