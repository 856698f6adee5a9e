// Decomposition beside utf8proc's own, which is the oracle, and over words of very many marks, where that is slow.
#include "tasks/text/letters.h"

#include <utf8proc.h>

#include "engine/random.h"
#include "tasks/text/labels.h"
#include "tasks/text/utf8.h"
#include "tests/support/support.h"

using namespace test;

namespace {

std::u32string by_utf8proc(const std::string& text) {
  std::vector<utf8proc_int32_t> points(4 * text.size() + 4);
  const auto count = utf8proc_decompose(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                        utf8proc_ssize_t(text.size()), points.data(), utf8proc_ssize_t(points.size()),
                                        utf8proc_option_t(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE));
  REQUIRE(count >= 0);
  return {points.begin(), points.begin() + count};
}

}  // namespace

TEST_CASE("decomposed: every code point, and marks of all classes in any order, as utf8proc has it") {
  std::u32string marks;
  for (char32_t c = 1; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string text;
    text::append_utf8(text, c);
    if (text::decomposed(text) != by_utf8proc(text)) CHECK_MESSAGE(false, uint32_t(c));
    if (utf8proc_get_property(utf8proc_int32_t(c))->combining_class != 0) marks += c;
  }
  CHECK(marks.size() > 800);
  for (int word = 0; word < 300; ++word) {
    std::string text = "\xC7\x96x";  // u with diaeresis and macron
    for (const int i : engine::permutation(int(marks.size()), {3, Stream::shuffle, uint32_t(word)}))
      if (text.size() < 40) text::append_utf8(text, i % 9 ? marks[i] : U'e');
    CHECK(text::decomposed(text) == by_utf8proc(text));
  }
}

TEST_CASE("strip_accents: a word of 300,000 marks in the worst order is read in time that grows with its length") {
  std::string word = "a";
  for (int i = 0; i < 150000; ++i) word += "\xCC\x81\xCC\xA3";  // above, then below: each pair stands the wrong way
  CHECK(text::strip_accents(word) == "a");
  CHECK(text::decomposed(word).size() == 300001);
  CHECK(text::Labels::tidy(word).size() > 500000);
}
