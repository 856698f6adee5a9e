// Words counted by what becomes of them. Read tasks/text/wordpiece.h first.
#include "tasks/text/coverage.h"

#include <algorithm>

namespace text {

namespace {

// Whether there is anything but ASCII digits and punctuation.
bool has_letter(const std::string& word) {
  return std::any_of(word.begin(), word.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
  });
}

void add(const std::string& text, const WordPiece& tokenizer, Coverage& to) {
  for (const std::string& word : split_words(text, tokenizer.options())) {
    if (!has_letter(word)) continue;
    const std::vector<std::string> pieces = tokenizer.tokenize(word);
    const bool unknown = pieces.size() == 1 && tokenizer.id(pieces[0]) == tokenizer.unk_id();
    ++to.words;
    to.unknown += unknown;
    to.whole += pieces.size() == 1 && !unknown;
  }
}

}  // namespace

Coverage coverage_of(const std::vector<Example>& examples, const WordPiece& tokenizer, long most) {
  Coverage coverage;
  const long n = long(examples.size()), looked_at = most ? std::min(most, n) : n;
  for (long i = 0; i < looked_at; ++i) {
    const Example& e = examples[size_t(i * n / looked_at)];
    add(e.text, tokenizer, coverage);
    add(e.pair, tokenizer, coverage);
  }
  return coverage;
}

}  // namespace text
