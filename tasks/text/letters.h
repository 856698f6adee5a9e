// Code points as BERT's tokenizer sees them: what they do to the word they stand in, lower case, accents.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace text {

// What a code point does to the word it stands in.
enum class CodePointKind : unsigned char { letter, space, punctuation, ideograph, removed };

constexpr CodePointKind ascii_kind(int c) {
  if (c == ' ' || c == '\t' || c == '\n' || c == '\r') return CodePointKind::space;
  if (c < 33 || c == 127) return CodePointKind::removed;
  if (c < 48 || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || c >= 123) return CodePointKind::punctuation;
  return CodePointKind::letter;
}

constexpr auto kAsciiKinds = [] {
  std::array<CodePointKind, 128> kinds{};
  for (int c = 0; c < 128; ++c) kinds[c] = ascii_kind(c);
  return kinds;
}();

CodePointKind unicode_kind(char32_t c);
inline CodePointKind kind_of(char32_t c) { return c < 0x80 ? kAsciiKinds[c] : unicode_kind(c); }

// Full lower-casing of one word, as Python's str.lower().
std::string lower(const std::string& token);

// Canonical decomposition (NFD), in time that grows with the length only.
std::u32string decomposed(std::string_view text);

// Canonical decomposition (NFD) without its nonspacing marks (Mn).
std::string strip_accents(const std::string& token);

}  // namespace text
