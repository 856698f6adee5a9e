// UTF-8 to code points and back. Bytes that are not UTF-8 become U+FFFD, one for each maximal subpart
// (Unicode 15, section 3.9), which is what Python's errors='replace' does.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace text {

inline constexpr char32_t kReplacement = 0xFFFD;

struct CodePoint {
  char32_t value;  // kReplacement when the bytes are none
  bool valid;
};

CodePoint next_multibyte(std::string_view bytes, size_t& at);

// The code point that starts at bytes[at]; `at` moves past it.
inline CodePoint next_code_point(std::string_view bytes, size_t& at) {
  const auto byte = static_cast<unsigned char>(bytes[at]);
  if (byte >= 0x80) return next_multibyte(bytes, at);
  ++at;
  return {byte, true};
}

std::u32string decode_utf8(std::string_view bytes);
void append_utf8(std::string& out, char32_t point);
bool is_utf8(std::string_view bytes);

// The columns that a terminal gives it: two for an ideograph, none for a combining mark.
size_t columns_of(std::string_view text);
// As much of it as has room in so many columns; what is shortened ends with an ellipsis.
std::string fitted(std::string_view text, size_t columns);

struct Repaired {
  std::string text;
  long invalid = 0;          // how many sequences became U+FFFD
  size_t first_invalid = 0;  // where the first of them starts, in bytes
};
Repaired repair_utf8(std::string bytes);

}  // namespace text
