// Tokens that stand beside a vocabulary and are found whole in a text, before its words are: added_tokens.json, the
// added_tokens of tokenizer.json and tokenizer_config.json.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/text/piece_table.h"

namespace text {

struct AddedToken {
  std::string content;
  int id = -1;               // -1: that of the piece of this name, or the next one
  bool special = false;      // left out when ids become text again; never hidden by [MASK]
  bool normalized = true;    // found in the cleaned and lower-cased text, itself cleaned and lower-cased
  bool single_word = false;  // not inside of words
  bool lstrip = false,
       rstrip = false;  // takes the spaces beside it with it: nothing to BERT, which has none; kept for others
  bool operator==(const AddedToken&) const = default;
};

// Cuts a text at the tokens that it contains: leftmost first, of those the longest (what Hugging Face's tokenizers do with
// an Aho-Corasick automaton). A token that is for single words only and stands inside of one is plain text.
class TokenCutter {
 public:
  // The contents and their ids; empty ones are passed over, of two that are alike the first counts.
  struct Token {
    std::string content;
    int id;
    bool single_word;
  };
  explicit TokenCutter(const std::vector<Token>& tokens = {});

  bool empty() const { return tokens_.empty(); }

  // Calls plain(part) and token(id) from left to right.
  template <class Plain, class Found>
  void cut(std::string_view text, const Plain& plain, const Found& token) const {
    std::size_t start = 0;  // of the plain text not yet handed over
    for (std::size_t at = 0; !empty() && at < text.size();) {
      const int found = first_[static_cast<unsigned char>(text[at])] ? longest_at(text, at) : -1;
      if (found < 0) {
        ++at;
        continue;
      }
      const std::size_t end = at + tokens_[found].content.size();
      if (!tokens_[found].single_word || stands_alone(text, at, end)) {
        if (at > start) plain(text.substr(start, at - start));
        token(tokens_[found].id);
        start = end;
      }
      at = end;
    }
    if (start < text.size()) plain(text.substr(start));
  }

 private:
  int longest_at(std::string_view text, std::size_t at) const;  // index in tokens_; -1: none
  static bool stands_alone(std::string_view text, std::size_t begin, std::size_t end);

  std::vector<Token> tokens_;
  PieceTable contents_;  // to indices in tokens_
  std::array<bool, 256> first_{};
};

}  // namespace text
