// WordSplitter: a text to BERT's words. Templates for who has something to do with each word.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "engine/strings.h"

#include "tasks/text/letters.h"
#include "tasks/text/utf8.h"
#include "tasks/text/wordpiece.h"

namespace text {

inline constexpr std::string_view kContinuation = "##";  // how a piece that goes on with a word begins

inline size_t count_code_points(std::string_view word) {
  return size_t(std::count_if(word.begin(), word.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

// What a tokenizer does to letters: nothing, or lower case, or no accents, or both.
struct Folding {
  bool lower_case, without_accents;
  explicit Folding(const TokenizerOptions& options)
      : lower_case(options.lower_case), without_accents(options.strip_accents.value_or(options.lower_case)) {}

  void operator()(std::string& token, bool ascii) const {
    if (ascii && lower_case) {
      for (char& c : token) c = engine::ascii_lower(c);
    } else if (!ascii) {
      if (lower_case) token = lower(token);
      if (without_accents) token = strip_accents(token);
    }
  }
};

// Calls emit(word) for each word of a text. A token is what stands between two spaces; it is folded as a whole, then
// cut at its punctuation. Nothing is composed (NFC) before, as in Hugging Face's Rust and not its newer Python tokenizer.
template <class Emit>
class WordSplitter {
 public:
  WordSplitter(const TokenizerOptions& options, Emit emit)
      : emit_(emit), fold_(options), chinese_(options.chinese_characters), clean_(options.clean_text) {}

  void operator()(std::string_view text) {
    for (size_t at = 0; at < text.size();) {
      const char32_t c = next_code_point(text, at).value;
      switch (kind_of(c)) {
        case CodePointKind::removed:
          if (!clean_) c == 0x0B || c == 0x0C || c == 0x85 ? end_token() : append(c);
          break;
        case CodePointKind::space:
          end_token();
          break;
        case CodePointKind::ideograph:
          if (chinese_) end_token();
          append(c);
          if (chinese_) end_token();
          break;
        default:
          append(c);
      }
    }
    end_token();
  }

 private:
  void append(char32_t c) {
    if (c < 0x80) {
      token_ += char(c);
    } else {
      append_utf8(token_, c);
      ascii_ = false;
    }
  }

  void end_token() {
    fold_(token_, ascii_);
    split_punctuation();
    token_.clear();
    ascii_ = true;
  }

  void split_punctuation() {
    const std::string_view token = token_;
    size_t word = 0;  // where the current word starts
    for (size_t at = 0; at < token.size();) {
      const size_t start = at;
      if (kind_of(next_code_point(token, at).value) != CodePointKind::punctuation) continue;
      if (start > word) emit_(token.substr(word, start - word));
      emit_(token.substr(start, at - start));
      word = at;
    }
    if (word < token.size()) emit_(token.substr(word));
  }

  Emit emit_;
  Folding fold_;
  bool chinese_, clean_;
  std::string token_;
  bool ascii_ = true;  // nothing above 0x7F in token_
};

}  // namespace text
