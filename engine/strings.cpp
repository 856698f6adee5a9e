// Cutting lists, and making names harmless before a terminal gets them. Nothing to read before.
#include "engine/strings.h"

#include <algorithm>

namespace engine {

std::vector<std::string> split(std::string_view list, char separator) {
  std::vector<std::string> parts;
  for (size_t start = 0; start <= list.size();) {
    const size_t end = std::min(list.find(separator, start), list.size());
    parts.emplace_back(list.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

std::string ascii_lower(std::string text) {
  for (char& c : text) c = ascii_lower(c);
  return text;
}

namespace {

struct Point {
  char32_t value;
  size_t bytes;  // 0: no code point starts here
};

// Unicode 15, table 3-7: neither longer forms than needed, nor surrogates, nor anything above U+10FFFF.
Point first_point(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return {byte(0), 1};
  const size_t size = byte(0) < 0xC2 ? 0 : byte(0) < 0xE0 ? 2 : byte(0) < 0xF0 ? 3 : byte(0) < 0xF5 ? 4 : 0;
  if (size == 0 || size > text.size()) return {0, 0};
  char32_t value = byte(0) & (0x7Fu >> size);
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {0, 0};
    value = (value << 6) | (byte(i) & 0x3Fu);
  }
  const bool shorter = value < (size == 3 ? 0x800u : size == 4 ? 0x10000u : 0x80u);
  if (shorter || (value >= 0xD800 && value <= 0xDFFF) || value > 0x10FFFF) return {0, 0};
  return {value, size};
}

bool is_obeyed(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x200E || c == 0x200F || (c >= 0x2028 && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069);
}

}  // namespace

std::string shown(std::string_view name, size_t longest) {
  std::string out;
  size_t points = 0;
  for (; !name.empty() && points < longest; ++points) {
    const Point point = first_point(name);
    if (point.bytes == 0)
      out += "\uFFFD";
    else if (is_obeyed(point.value))
      out += ' ';
    else
      out += name.substr(0, point.bytes);
    name.remove_prefix(std::max<size_t>(1, point.bytes));
  }
  return name.empty() ? out : out + "...";
}

}  // namespace engine
