// Unicode's categories, lower case and decomposition, from utf8proc. Read tasks/text/utf8.h before.
#include "tasks/text/letters.h"

#include <utf8proc.h>

#include <algorithm>

#include "engine/base.h"
#include "tasks/text/utf8.h"

namespace text {
namespace {

// The blocks of Chinese ideographs that BERT's authors chose. Hangul, Hiragana and Katakana are written with spaces
// or split by the vocabulary.
bool is_ideograph(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B820 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

utf8proc_category_t category(char32_t c) { return utf8proc_category(utf8proc_int32_t(c)); }

}  // namespace

// Of the order of utf8proc's categories: CN, letters, marks, numbers, PC..PO, symbols, ZS ZL ZP, CC CF CS CO.
CodePointKind unicode_kind(char32_t c) {
  if (is_ideograph(c)) return CodePointKind::ideograph;
  const utf8proc_category_t of = category(c);
  if (c == kReplacement || of == UTF8PROC_CATEGORY_CN || of >= UTF8PROC_CATEGORY_CC) return CodePointKind::removed;
  if (of >= UTF8PROC_CATEGORY_ZS) return CodePointKind::space;
  if (of >= UTF8PROC_CATEGORY_PC && of <= UTF8PROC_CATEGORY_PO) return CodePointKind::punctuation;
  return CodePointKind::letter;
}

namespace {

bool is_cased(char32_t c) {
  const auto of = category(c);
  return of == UTF8PROC_CATEGORY_LU || of == UTF8PROC_CATEGORY_LL || of == UTF8PROC_CATEGORY_LT;
}

// Marks, modifiers, format characters, and what may stand inside a word (Unicode's Case_Ignorable).
bool is_case_ignorable(char32_t c) {
  constexpr std::u32string_view kInsideWords =
      U"'.:\u00B7\u0387\u055F\u05F4\u2018\u2019\u2024\u2027\uFE13\uFE52\uFE55\uFF07\uFF0E\uFF1A";
  switch (category(c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
      return true;
    default:
      return kInsideWords.find(c) != std::u32string_view::npos;
  }
}

// A capital sigma with a letter before and none after ends its word (Unicode 15, table 3-17, Final_Sigma).
bool is_final_sigma(std::u32string_view word, size_t at) {
  size_t before = at, after = at + 1;
  while (before > 0 && is_case_ignorable(word[before - 1])) --before;
  while (after < word.size() && is_case_ignorable(word[after])) ++after;
  return before > 0 && is_cased(word[before - 1]) && (after == word.size() || !is_cased(word[after]));
}

}  // namespace

// utf8proc's plain mapping but for capital sigma and dotted capital I.
std::string lower(const std::string& token) {
  const std::u32string word = decode_utf8(token);
  std::string out;
  for (size_t at = 0; at < word.size(); ++at) {
    if (word[at] == U'\u03A3') {
      append_utf8(out, is_final_sigma(word, at) ? U'\u03C2' : U'\u03C3');
    } else if (word[at] == U'\u0130') {
      out += "i\u0307";
    } else {
      append_utf8(out, char32_t(utf8proc_tolower(utf8proc_int32_t(word[at]))));
    }
  }
  return out;
}

// utf8proc's own puts marks in order by exchanging neighbours, which takes n^2 of n marks on one letter.
std::u32string decomposed(std::string_view text) {
  const auto points = [](const char32_t c, utf8proc_int32_t* to, long room) {
    int bound = 0;  // of graphemes, which are not asked for
    return utf8proc_decompose_char(utf8proc_int32_t(c), to, room,
                                   utf8proc_option_t(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE), &bound);
  };
  const auto order = [](char32_t c) { return utf8proc_get_property(utf8proc_int32_t(c))->combining_class; };
  std::u32string all;
  for (size_t at = 0; at < text.size();) {
    utf8proc_int32_t parts[8];  // no code point decomposes into more than four
    const auto count = points(next_code_point(text, at).value, parts, std::size(parts));
    engine::check(count >= 0 && count <= long(std::size(parts)), "decomposed: utf8proc failed");
    all.append(parts, parts + count);
  }
  for (size_t begin = 0; begin < all.size();) {  // runs of marks by their class
    size_t end = begin;
    while (end < all.size() && order(all[end]) != 0) ++end;
    std::stable_sort(all.begin() + long(begin), all.begin() + long(end),
                     [&](char32_t a, char32_t b) { return order(a) < order(b); });
    begin = end + 1;
  }
  return all;
}

std::string strip_accents(const std::string& token) {
  std::string out;
  for (const char32_t c : decomposed(token))
    if (category(c) != UTF8PROC_CATEGORY_MN) append_utf8(out, c);
  return out;
}

}  // namespace text
