// A WordPiece vocabulary learned from texts by the merge rule of byte-pair encoding (Sennrich, Haddow, Birch 2016).
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tasks/text/wordpiece.h"

namespace text {

using WordCounts = std::unordered_map<std::string, long>;

// Adds the words of one text, split as WordPiece splits them.
void count_words(std::string_view text, const TokenizerOptions& options, WordCounts& counts);

// [PAD] [UNK] [CLS] [SEP] [MASK], the alphabet, the alphabet behind ##, then one piece a merge: the most frequent
// adjacent pair first, ties in the order of their strings, so the same counts give the same vocabulary. At most `size`
// pieces; fewer when no pair is left that is seen min_frequency times. Letters rarer than that get no piece, and when
// `size` is too small for all letters the most frequent ones do; a word with such a letter is [UNK] and is left out.
std::vector<std::string> train_vocab(const WordCounts& counts, int size, long min_frequency = 2);
std::vector<std::string> train_vocab(const std::vector<std::string>& texts, int size, long min_frequency = 2,
                                     const TokenizerOptions& options = {});

}  // namespace text
