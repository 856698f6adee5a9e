// UTF-8 decoding by the table of well-formed byte sequences (Unicode 15, table 3-7), and encoding.
// Nothing to read before.
#include "tasks/text/utf8.h"

#include <utf8proc.h>

#include <algorithm>
#include <utility>

namespace text {

namespace {

// How long a sequence with this first byte is, and what its second byte may be.
struct Lead {
  int length;  // 0: no sequence starts with this byte
  unsigned char low, high;
};

Lead lead_of(unsigned char byte) {
  if (byte < 0xC2) return {0, 0x80, 0xBF};
  if (byte < 0xE0) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};  // shorter forms exist below
  if (byte == 0xED) return {3, 0x80, 0x9F};  // surrogates above
  if (byte < 0xF0) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};  // shorter forms exist below
  if (byte < 0xF4) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};  // nothing above U+10FFFF
  return {0, 0x80, 0xBF};
}

}  // namespace

CodePoint next_multibyte(std::string_view bytes, size_t& at) {
  const auto first = static_cast<unsigned char>(bytes[at++]);
  auto [length, low, high] = lead_of(first);
  if (length == 0) return {kReplacement, false};
  char32_t value = first & (0x7Fu >> length);
  for (int i = 1; i < length; ++i) {
    const unsigned char byte = at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0;
    if (byte < low || byte > high) return {kReplacement, false};
    value = (value << 6) | (byte & 0x3Fu);
    low = 0x80;
    high = 0xBF;
    ++at;
  }
  return {value, true};
}

std::u32string decode_utf8(std::string_view bytes) {
  std::u32string points;
  points.reserve(bytes.size());
  for (size_t at = 0; at < bytes.size();) points += next_code_point(bytes, at).value;
  return points;
}

void append_utf8(std::string& out, char32_t point) {
  const auto tail = [&](int shift) { out += char(0x80 | ((point >> shift) & 0x3F)); };
  if (point < 0x80) {
    out += char(point);
  } else if (point < 0x800) {
    out += char(0xC0 | (point >> 6));
    tail(0);
  } else if (point < 0x10000) {
    out += char(0xE0 | (point >> 12));
    tail(6);
    tail(0);
  } else {
    out += char(0xF0 | (point >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

bool is_utf8(std::string_view bytes) {
  char any = 0;
  for (char byte : bytes) any |= byte;
  if (!(any & 0x80)) return true;  // most texts, and eight or more bytes at a time
  for (size_t at = 0; at < bytes.size();)
    if (!next_code_point(bytes, at).valid) return false;
  return true;
}

Repaired repair_utf8(std::string bytes) {
  Repaired result;
  size_t copied = 0;
  for (size_t at = 0; at < bytes.size();) {
    const size_t start = at;
    if (next_code_point(bytes, at).valid) continue;
    if (result.invalid++ == 0) result.first_invalid = start;
    result.text.append(bytes, copied, start - copied);
    append_utf8(result.text, kReplacement);
    copied = at;
  }
  if (result.invalid == 0)
    result.text = std::move(bytes);
  else
    result.text.append(bytes, copied);
  return result;
}

size_t columns_of(std::string_view text) {
  size_t columns = 0;
  for (size_t at = 0; at < text.size();)
    columns += size_t(std::max(0, utf8proc_charwidth(utf8proc_int32_t(next_code_point(text, at).value))));
  return columns;
}

std::string fitted(std::string_view text, size_t columns) {
  size_t used = 0, kept = 0;  // kept: the bytes that leave room for the ellipsis
  for (size_t at = 0; at < text.size();) {
    const size_t start = at;
    next_code_point(text, at);
    used += columns_of(text.substr(start, at - start));
    if (used > columns) return columns == 0 ? "" : std::string(text.substr(0, kept)) + "\u2026";
    if (used < columns) kept = at;
  }
  return std::string(text);
}

}  // namespace text
