// A text taken apart: the pieces that a model reads of it, the words that they are, and the text without some of them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tasks/text/batches.h"

namespace attribution {

using engine::Indices;

// The words of a text as a reader sees them: what stands between blanks, without its punctuation, which stands by
// itself; so does an ideograph.
std::vector<text::Span> words_of(std::string_view text);

// One of them, as a model reads it. Where pieces cannot be found in the text (an added token of several words), they
// are joined to words.
struct Word {
  std::string text;
  bool second = false;        // of the second text
  size_t begin = 0, end = 0;  // its bytes in the text; both 0 where its pieces could not be found in it
  Indices tokens = {};        // rows of its pieces in the windows laid end to end; empty: it was not read
};

// A text as a model reads it, all its windows, and all its words.
struct Subject {
  std::vector<text::Encoding> windows;
  std::vector<Word> words;
  Indices offsets() const;  // [W + 1] of the windows laid end to end
  long tokens() const { return offsets().back(); }
  // The words that were read: those that an explanation is about.
  std::vector<size_t> read() const;
};
// Text i of a set that was encoded from examples.
Subject subject_of(const text::Example& example, const text::EncodedSet& set, long i, const text::WordPiece& tokenizer);

// What stands where a word is absent: [MASK] (or [UNK], where the vocabulary has none), [PAD], or nothing: what comes
// behind moves up.
enum class Absent { mask, pad, remove };
Absent absent_named(const std::string& name);
const std::string& name_of(Absent how);

// The windows of a text without some of its words: words[i] is absent where !present[i]. [CLS] and [SEP] always stay.
std::vector<text::Encoding> with_words(const std::vector<text::Encoding>& windows, const std::vector<Indices>& words,
                                       const std::vector<bool>& present, Absent how, const text::WordPiece& tokenizer);
// Where in a vocabulary the piece is that stands for an absent one.
int absent_id(Absent how, const text::WordPiece& tokenizer);

}  // namespace attribution
