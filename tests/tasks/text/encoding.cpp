// Encodings: what is found out, what is a guess and said, what is asked for by name.
// Read tasks/text/encoding.h before.
#include "tasks/text/encoding.h"

#include <doctest/doctest.h>

#include "tasks/text/lines.h"
#include "tests/support/packed.h"

using namespace text;
using test::error_of;

namespace {

// Of ASCII and Latin letters.
std::string utf16(const std::u16string& text, bool little, bool mark) {
  std::string out;
  for (const char16_t c : (mark ? u"\uFEFF" : u"") + text) {
    const char low = char(c & 0xFF), high = char(c >> 8);
    out += little ? std::string{low, high} : std::string{high, low};
  }
  return out;
}

struct Read {
  std::string text, said;
};
Read read(const std::string& bytes, const std::string& encoding = "auto") {
  std::vector<Warning> warnings;
  Read out{to_utf8(bytes, encoding, "r.csv", warnings), ""};
  for (const Warning& warning : warnings) out.said += to_string(warning) + "\n";
  return out;
}

}  // namespace

TEST_CASE("encoding: UTF-16 of either order goes by its mark, or by its zeros, which is said") {
  for (const bool little : {true, false}) {
    const Table table = parse_table(utf16(u"text,label\r\nschön 😀,x\r\n", little, true), "r.csv");
    CHECK(table.columns == std::vector<std::string>{"text", "label"});
    CHECK(table.rows[0][0] == "schön 😀");
    CHECK(table.lines[0] == 2);
    CHECK(table.warnings.empty());
    const Read bare = read(utf16(u"text,label\nschön,x\n", little, false));
    CHECK(bare.text == "text,label\nschön,x\n");
    CHECK(bare.said == fmt::format("r.csv: no byte-order mark, and each second byte is zero: read as UTF-16{}; "
                                   "--encoding names another\n",
                                   little ? "LE" : "BE"));
    CHECK(read(utf16(u"text\nschön\n", little, false), "utf-16").said.empty());
  }
  CHECK(read(utf16(u"a", true, true) + "b").text == "\uFEFFa\uFFFD");
  CHECK(read(utf16(u"a\xD800z", true, true)).text == "\uFEFFa\uFFFDz");
}

TEST_CASE("encoding: a NUL in a text does not make it UTF-16") {
  for (const std::string& text : {std::string("a\0b", 3), std::string("text,label\nfine,x\0\n", 18)})
    CHECK(error_of([&] { parse_table(text, "r.csv"); }).starts_with("r.csv: not a text file: a NUL at byte"));
}

TEST_CASE(
    "encoding: what is not UTF-8 is windows-1252 where most of it cannot be UTF-8; file, line and a word are said") {
  const Read guess = read("text,label\nok,1\nsehr sch\xF6n\x96 \x80 5,2\n");
  CHECK(guess.text == "text,label\nok,1\nsehr schön– € 5,2\n");
  CHECK(guess.said == "r.csv:3: not UTF-8: read as windows-1252, 'schön–'; --encoding names another\n");
  const Read broken = read("für schöne Gäste, f\xFCr alle\n");
  CHECK(broken.text == "für schöne Gäste, f\uFFFDr alle\n");
  CHECK(broken.said == "r.csv:1: invalid UTF-8 became U+FFFD (1 in all)\n");
  CHECK(read("sch\x94n, f\x81r\n").said == "r.csv:1: invalid UTF-8 became U+FFFD (2 in all)\n");  // a DOS code page
  CHECK(read("schön\n").said.empty());
}

TEST_CASE("encoding: any that the system knows may be named, and what it lacks becomes U+FFFD, counted") {
  CHECK(read("sch\xF6n \x80", "latin-1").text == "schön \u0080");
  CHECK(read("sch\xF6n \x80", "Windows-1252").text == "schön €");
  CHECK(read("\xEF\xF0\xE8\xE2\xE5\xF2", "windows-1251").text == "привет");
  CHECK(read("sch\x94n", "cp850").text == "schön");
  const Read lacking = read("a\nb\x81\n", "windows-1252");
  CHECK(lacking.text == "a\nb\uFFFD\n");
  CHECK(lacking.said == "r.csv:2: what WINDOWS-1252 does not have became U+FFFD (1 in all)\n");
  CHECK(read("sch\xF6n", "utf-8").text == "sch\uFFFDn");
  for (const char* name : {"", "latin-2222", "utf-8//IGNORE"}) CHECK(!encoding_error(name).empty());
  for (const char* name : {"auto", "UTF-8", "utf-16", "windows-1252", "latin-1", "UTF-16BE"})
    CHECK(encoding_error(name) == "");
}

TEST_CASE("encoding: blocks of lines out of gzip and UTF-16 are those of the whole, wherever a block ends") {
  const test::TemporaryDirectory dir;
  std::u16string text;
  std::string same;
  for (int i = 0; i < 50; ++i) text += u"größer 😀\r\n", same += "größer 😀\n";
  const std::string wide = dir.write("wide.txt", utf16(text, true, true));
  const std::string gzip = dir.write("packed.txt.gz", test::gzip_of(same) + test::gzip_of("the end"));
  for (const size_t block : {1, 2, 3, 7, 64, 100'000})
    for (const std::string& path : {wide, gzip}) {
      std::string got;
      LineBlocks blocks(path, "auto", block);
      while (blocks.next())
        for (const std::string_view line : blocks.lines()) (got += line) += '\n';
      CHECK(got == (path == wide ? same : same + "the end\n"));
    }
  CHECK(has_lines(gzip));
  const std::string packed = test::gzip_of(same), cut = dir.write("cut.txt.gz", packed.substr(0, packed.size() - 9));
  CHECK(error_of([&] { read_lines(cut); }) ==
        cut + ": compressed by gzip, and ends in the middle: was it copied whole?");
  const std::string tail = dir.write("tail.txt.gz", packed + same),
                    zeros = dir.write("zeros", packed + std::string(99, '\0'));
  CHECK(error_of([&] { read_lines(tail); }) == tail + ": compressed by gzip, and something else stands behind it");
  CHECK(read_lines(zeros).size() == 50);
  std::string numbers;  // more than is read of a packed file at once
  for (unsigned i = 0, x = 1; i < 40'000; ++i) numbers += std::to_string(x = x * 1'664'525 + 1'013'904'223) + "\n";
  const std::string large = test::gzip_of(numbers) + test::gzip_of(numbers);
  REQUIRE(large.size() > 300'000);
  CHECK(read_lines(dir.write("large.txt.gz", large)).size() == 80'000);
  CHECK(error_of([&] {
          read_lines(dir.write("half.txt.gz", large.substr(0, large.size() / 4)));
        }).ends_with("ends in the middle: was it copied whole?"));
}
