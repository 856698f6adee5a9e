// Text as every floor reads and shows it: numbers, lists, and names from files that anybody may have written.
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace engine {

// The number that the whole of `text` is: no space before, nothing behind. Of a double also "inf" and "nan".
template <class T>
std::optional<T> parse_number(std::string_view text) {
  T number{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end ? std::optional<T>(number) : std::nullopt;
}

// "a,,b" are three parts, the second empty; "" is one, empty.
std::vector<std::string> split(std::string_view list, char separator);

// A to Z as a to z, whatever the locale; all other bytes as they are.
constexpr char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; }
std::string ascii_lower(std::string text);

// A name or value as a sentence may show it: on one line, without anything that a terminal obeys (control characters,
// line separators, changes of direction), bytes that are not UTF-8 as U+FFFD, and of more than `longest` code points
// the first ones.
std::string shown(std::string_view name, std::size_t longest = 40);

}  // namespace engine
