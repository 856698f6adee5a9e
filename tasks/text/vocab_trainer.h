// A WordPiece vocabulary learned from texts by the merge rule of byte-pair encoding (Sennrich, Haddow, Birch 2016).
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tasks/text/wordpiece.h"

namespace text {

using WordCounts = std::unordered_map<std::string, long>;

// Adds the words of one text, split as WordPiece splits them; of many texts, which the threads share out.
void count_words(std::string_view text, const TokenizerOptions& options, WordCounts& counts);
void count_words(const std::vector<std::string_view>& texts, const TokenizerOptions& options, WordCounts& counts);

// Forgets the rarest words, all words of one count together, until at most `most` are left: no tie is cut, so the order
// of the words does not matter. Returns the highest count that was forgotten, 0 when none was.
long forget_rarest(WordCounts& counts, size_t most);

// [PAD] [UNK] [CLS] [SEP] [MASK], the alphabet, the alphabet behind ##, then one piece a merge: the most frequent
// adjacent pair first, ties in the order of their strings, so the same counts give the same vocabulary. At most `size`
// pieces; fewer when no pair is left that is seen min_frequency times. Letters rarer than that get no piece, and when
// `size` is too small for all letters the most frequent ones do; a word with such a letter is [UNK] and is left out.
// `progress`, if given, is called after every merge with the number of pieces.
using MergeProgress = std::function<void(size_t pieces)>;
std::vector<std::string> train_vocab(const WordCounts& counts, int size, long min_frequency = 2,
                                     const MergeProgress& progress = nullptr);
std::vector<std::string> train_vocab(const std::vector<std::string>& texts, int size, long min_frequency = 2,
                                     const TokenizerOptions& options = {});

}  // namespace text
