// The tokenisers, each as the regular expressions that define it. Read tasks/text/utf8.h before.
#include "tasks/score/bleu_tokens.h"

#include <utf8proc.h>

#include <algorithm>
#include <iterator>

#include "engine/base.h"
#include "engine/strings.h"
#include "tasks/text/utf8.h"

namespace score {
namespace {

using Text = std::u32string;

// str.isspace() of Python
bool is_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_digit(char32_t c) { return c >= '0' && c <= '9'; }
bool is_stop(char32_t c) { return c == '.' || c == ','; }
bool is_dash(char32_t c) { return c == '-'; }

// re.sub over matches of one character that f accepts: it gets a blank on either side.
template <class F>
Text apart(const Text& text, F f) {
  Text to;
  for (const char32_t c : text) {
    if (f(c))
      to += {U' ', c, U' '};
    else
      to += c;
  }
  return to;
}

// re.sub over matches of two characters: a blank between them, and one before or behind. As there, a match begins
// behind the one before.
enum class Blank { before, behind };
template <class F, class G>
Text split_pairs(const Text& text, F first, G second, Blank blank) {
  Text to;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i + 1 == text.size() || !first(text[i]) || !second(text[i + 1])) {
      to += text[i];
      continue;
    }
    if (blank == Blank::before) to += U' ';
    to += {text[i], U' ', text[i + 1]};
    if (blank == Blank::behind) to += U' ';
    ++i;
  }
  return to;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

std::string joined(const Text& text) {
  std::string words;
  for (size_t i = 0; i < text.size(); ++i) {
    if (is_space(text[i])) continue;
    if (!words.empty() && is_space(text[i - 1])) words += ' ';
    text::append_utf8(words, text[i]);
  }
  return words;
}

// ([\{-\~\[-\` -\&\(-\+\:-\@\/])  ([^0-9])([\.,])  ([\.,])([^0-9])  ([0-9])(-)
std::string split_ascii(Text text) {
  const auto other_than_digit = [](char32_t c) { return !is_digit(c); };
  text = apart(text, [](char32_t c) {
    return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') || (c >= '(' && c <= '+') ||
           (c >= ':' && c <= '@') || c == '/';
  });
  text = split_pairs(text, other_than_digit, is_stop, Blank::behind);
  text = split_pairs(text, is_stop, other_than_digit, Blank::before);
  return joined(split_pairs(text, is_digit, is_dash, Blank::behind));
}

std::string of_13a(std::string text) {
  replace_all(text, "<skipped>", "");
  replace_all(text, "-\n", "");
  replace_all(text, "\n", " ");
  for (const auto& [entity, sign] : {std::pair{"&quot;", "\""}, {"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}})
    replace_all(text, entity, sign);
  return split_ascii(text::decode_utf8(" " + text + " "));
}

bool between(char32_t c, utf8proc_category_t first, utf8proc_category_t last) {
  const auto of = utf8proc_category(utf8proc_int32_t(c));
  return of >= first && of <= last;
}

// (\P{N})(\p{P})  (\p{P})(\P{N})  (\p{S})
std::string of_intl(std::string_view text) {
  const auto punctuation = [](char32_t c) { return between(c, UTF8PROC_CATEGORY_PC, UTF8PROC_CATEGORY_PO); };
  const auto no_number = [](char32_t c) { return !between(c, UTF8PROC_CATEGORY_ND, UTF8PROC_CATEGORY_NO); };
  Text t = split_pairs(text::decode_utf8(text), no_number, punctuation, Blank::behind);
  t = split_pairs(t, punctuation, no_number, Blank::before);
  return joined(apart(t, [](char32_t c) { return between(c, UTF8PROC_CATEGORY_SM, UTF8PROC_CATEGORY_SO); }));
}

// sacreBLEU writes two of its ranges as '\u20000' ... '\u2a6d6' and '\u2f800' ... '\u2fa1d', which Python reads as a
// character and a digit: they come to be U+2001 ... U+2A6D and U+2F81 ... U+2FA1, and its figures with them.
bool is_chinese(char32_t c) {
  constexpr char32_t kRanges[][2] = {
      {0x3400, 0x4DB5}, {0x4E00, 0x9FA5}, {0x9FA6, 0x9FBB}, {0xF900, 0xFA2D}, {0xFA30, 0xFA6A}, {0xFA70, 0xFAD9},
      {0x2001, 0x2A6D}, {0x2F81, 0x2FA1}, {0xFF00, 0xFFEF}, {0x2E80, 0x2EFF}, {0x3000, 0x303F}, {0x31C0, 0x31EF},
      {0x2F00, 0x2FDF}, {0x2FF0, 0x2FFF}, {0x3100, 0x312F}, {0x31A0, 0x31BF}, {0xFE10, 0xFE1F}, {0xFE30, 0xFE4F},
      {0x2600, 0x26FF}, {0x2700, 0x27BF}, {0x3200, 0x32FF}, {0x3300, 0x33FF}};
  return std::any_of(std::begin(kRanges), std::end(kRanges),
                     [c](const char32_t(&range)[2]) { return c >= range[0] && c <= range[1]; });
}

std::string of_zh(std::string_view text) {
  Text t = text::decode_utf8(text);
  while (!t.empty() && is_space(t.front())) t.erase(0, 1);
  while (!t.empty() && is_space(t.back())) t.pop_back();
  return split_ascii(apart(t, is_chinese));
}

std::string of_char(std::string_view text) {
  std::string to;
  for (const char32_t c : text::decode_utf8(text)) {
    if (!to.empty()) to += ' ';
    text::append_utf8(to, c);
  }
  return to;
}

}  // namespace

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  bool open = false;
  for (const char32_t c : text::decode_utf8(text)) {
    if (is_space(c)) {
      open = false;
      continue;
    }
    if (!open) words.emplace_back();
    open = true;
    text::append_utf8(words.back(), c);
  }
  return words;
}

void check_tokenizer(const std::string& tokenizer) {
  constexpr const char* kNames[] = {"13a", "intl", "zh", "char", "none"};
  engine::check(std::find(std::begin(kNames), std::end(kNames), tokenizer) != std::end(kNames),
                "bleu: tokeniser '{}' is not one of 13a, intl, zh, char, none", tokenizer);
}

std::string bleu_tokens(const std::string& tokenizer, std::string_view text) {
  check_tokenizer(tokenizer);
  if (tokenizer == "13a") return of_13a(std::string(text));
  if (tokenizer == "intl") return of_intl(text);
  if (tokenizer == "zh") return of_zh(text);
  if (tokenizer == "char") return of_char(text);
  return std::string(text);
}

}  // namespace score
