// Finding added tokens in a text. Read tasks/text/piece_table.h before.
#include "tasks/text/added_tokens.h"

#include <utf8proc.h>

#include <algorithm>

#include "tasks/text/utf8.h"

namespace text {

TokenCutter::TokenCutter(const std::vector<Token>& tokens) {
  contents_.reserve(tokens.size());
  for (const Token& token : tokens) {
    if (token.content.empty() || !contents_.insert(token.content, int(tokens_.size()))) continue;
    first_[static_cast<unsigned char>(token.content[0])] = true;
    tokens_.push_back(token);
  }
}

int TokenCutter::longest_at(std::string_view text, std::size_t at) const {
  for (std::size_t length = std::min(contents_.longest(), text.size() - at); length > 0; --length)
    if (const int found = contents_.find(text.substr(at, length)); found >= 0) return found;
  return -1;
}

namespace {

// A letter, mark, digit or connector: what regular expressions call \w.
bool is_word(char32_t c) {
  const auto of = utf8proc_category(utf8proc_int32_t(c));
  return (of >= UTF8PROC_CATEGORY_LU && of <= UTF8PROC_CATEGORY_NL) || of == UTF8PROC_CATEGORY_PC || c == 0x200C ||
         c == 0x200D;
}

char32_t last_point(std::string_view text) {
  std::size_t at = text.size() - 1;
  while (at > 0 && (text[at] & 0xC0) == 0x80) --at;
  return next_code_point(text, at).value;
}

}  // namespace

bool TokenCutter::stands_alone(std::string_view text, std::size_t begin, std::size_t end) {
  std::size_t at = end;
  return (begin == 0 || !is_word(last_point(text.substr(0, begin)))) &&
         (end == text.size() || !is_word(next_code_point(text, at).value));
}

}  // namespace text
