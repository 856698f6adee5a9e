// Lines `option = value`, in and out. Nothing to read before.
#include "tasks/run/options_file.h"

#include <algorithm>

#include "engine/base.h"
#include "tasks/text/labels.h"
#include "tasks/text/utf8.h"

namespace run {
namespace {

using engine::check;

constexpr const char* kBlanks = " \t\r";
constexpr char kEscapes[] = "\"\"\\\\//b\bf\fn\nr\rt\t";  // what stands after a backslash, and what it means

bool control(char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; }

// A second byte-order mark, say, would be lost where the name is the first of a file.
bool is_name(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; }) &&
         text.find_first_of("\"'[]") == std::string::npos;
}

std::string trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(kBlanks);
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

// The right side of a line, read from left to right.
class Reader {
 public:
  Reader(const std::string& text, const std::string& where) : text_(text), where_(where) {}

  std::vector<std::string> values() {
    skip_blanks();
    if (at_end()) return {""};
    std::vector<std::string> values;
    if (next() == '[')
      values = list();
    else if (quoted())
      values.push_back(string());
    else
      return {bare()};
    skip_blanks();
    check(at_end() || next() == '#', "{}: there is more after the value: {}", where_, text::shown(text_.substr(at_)));
    return values;
  }

 private:
  bool at_end() const { return at_ >= text_.size(); }
  char next() const { return text_[at_]; }
  bool quoted() const { return !at_end() && (next() == '"' || next() == '\''); }
  void skip_blanks() { at_ = std::min(text_.find_first_not_of(kBlanks, at_), text_.size()); }

  std::string bare() {
    const std::string value = trimmed(text_.substr(at_));
    check(value.find(" #") == std::string::npos && value.find("\t#") == std::string::npos,
          "{}: a # after a blank: put the value in quotes, or the comment on a line of its own", where_);
    return value;
  }

  std::vector<std::string> list() {
    std::vector<std::string> values;
    ++at_;
    for (skip_blanks(); !at_end() && next() != ']'; skip_blanks()) {
      if (quoted()) {
        values.push_back(string());
      } else {
        const size_t end = std::min(text_.find_first_of(",]", at_), text_.size());
        values.push_back(trimmed(text_.substr(at_, end - at_)));
        check(!values.back().empty(), "{}: an empty value in the list; \"\" is an empty text", where_);
        at_ = end;
      }
      skip_blanks();
      check(!at_end() && (next() == ',' || next() == ']'), "{}: a list is [one, two]: a comma or ] is missing", where_);
      if (next() == ',') ++at_;
    }
    check(!at_end(), "{}: a list ends with ]", where_);
    ++at_;
    return values;
  }

  std::string string() {
    const char quote = text_[at_++];
    std::string value;
    for (; !at_end() && next() != quote; ++at_)
      if (quote == '"' && next() == '\\')
        value += escape();
      else
        value += next();
    check(!at_end(), "{}: a {} is missing at the end of the value", where_, quote);
    ++at_;
    return value;
  }

  // What stands at a backslash; leaves at_ on its last character.
  std::string escape() {
    const char c = ++at_ < text_.size() ? next() : '\0';
    for (const char* e = kEscapes; *e; e += 2)
      if (*e == c) return {e[1]};
    check(c == 'u',
          "{}: after a backslash in double quotes comes one of \" \\ / b f n r t u; in single quotes all "
          "stands as it is",
          where_);
    const unsigned unit = hex();
    if (unit < 0xD800 || unit > 0xDBFF) return utf8(unit);
    const bool pair = text_.compare(at_ + 1, 2, "\\u") == 0;
    if (pair) at_ += 2;
    const unsigned low = pair ? hex() : 0;
    check(low >= 0xDC00 && low <= 0xDFFF, "{}: half of a surrogate pair", where_);
    return utf8(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00));
  }

  unsigned hex() {
    unsigned value = 0;
    for (int i = 0; i < 4; ++i) {
      const size_t digit = ++at_ < text_.size() ? std::string("0123456789abcdef").find(char(next() | 0x20)) : 16;
      check(digit < 16, "{}: after \\u come four hexadecimal digits", where_);
      value = value * 16 + unsigned(digit);
    }
    return value;
  }

  std::string utf8(unsigned point) const {
    check(point != 0 && (point < 0xD800 || point > 0xDFFF), "{}: \\u{:04x} is not a character of a value", where_,
          point);
    std::string bytes;
    text::append_utf8(bytes, char32_t(point));
    return bytes;
  }

  const std::string& text_;
  std::string where_;
  size_t at_ = 0;
};

bool safe_as_a_word(const std::string& value) {
  return !value.empty() && value.front() != ' ' && value.back() != ' ' &&
         std::none_of(value.begin(), value.end(),
                      [](char c) { return control(c) || std::string("\"'\\[]#;").find(c) != std::string::npos; });
}

std::string as_json(const std::string& value) {
  std::string text = "\"";
  for (char c : value) {
    const char* e = kEscapes;
    while (*e && e[1] != c) e += 2;
    if (*e && c != '/')
      text += std::string("\\") + *e;
    else if (control(c))
      text += fmt::format("\\u{:04x}", unsigned(c));
    else
      text += c;
  }
  return text + "\"";
}

}  // namespace

std::vector<OptionLine> parse_option_lines(const std::string& text, const std::string& path) {
  check(text.find('\0') == std::string::npos, "{}: not a file of options: it holds a zero byte", path);
  std::vector<OptionLine> lines;
  long number = 0;
  for (size_t begin = text.starts_with("\xEF\xBB\xBF") ? 3 : 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = trimmed(text.substr(begin, end - begin));
    begin = end + 1;
    const std::string where = fmt::format("{}:{}", path, ++number);
    if (line.empty() || line[0] == '#' || line[0] == ';') continue;
    const size_t equal = line.find('=');
    OptionLine found{trimmed(line.substr(0, equal)), {}, number};
    check(is_name(found.name), "{}: a line is `option = value`; got '{}'", where, text::shown(line));
    const std::string right = equal == std::string::npos ? "" : line.substr(equal + 1);
    if (equal != std::string::npos) found.values = Reader(right, where).values();
    lines.push_back(std::move(found));
  }
  return lines;
}

std::string option_line(const std::string& name, const std::string& value) {
  return name + "=" + (safe_as_a_word(value) ? value : as_json(value)) + "\n";
}

}  // namespace run
