// Coverage: how much of some texts a vocabulary knows as whole words, and how much not at all.
#pragma once

#include "tasks/text/data.h"
#include "tasks/text/wordpiece.h"

namespace text {

// Words as the tokenizer cuts them, punctuation and digits by themselves not counted.
struct Coverage {
  long words = 0;
  long whole = 0;    // that are one piece
  long unknown = 0;  // that are [UNK]: letters without a piece, as those of another script, or emoji
  double whole_share() const { return words ? double(whole) / double(words) : 0; }
  double unknown_share() const { return words ? double(unknown) / double(words) : 0; }
};

// Of a vocabulary of 8,000 pieces whole_share() is 0.8 to 0.95 for texts in the language that it was learned from (0.75
// for names of people and films), 0.2 to 0.5 for another language in the same letters.
// At most `most` of the texts are looked at, evenly spaced; 0: all of them.
Coverage coverage_of(const std::vector<Example>& examples, const WordPiece& tokenizer, long most = 0);

}  // namespace text
