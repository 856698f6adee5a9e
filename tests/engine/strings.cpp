// Numbers, lists and names as every floor reads and shows them.
#include "engine/strings.h"

#include "tests/support/support.h"

using namespace test;

TEST_CASE("strings: a number is the whole text or none") {
  CHECK(parse_number<long>("-12") == -12);
  CHECK(parse_number<double>("1e-3") == 0.001);
  for (const char* text : {"", " 1", "1 ", "1x", "0x1", "+1", "99999999999999999999"})
    CHECK_MESSAGE(!parse_number<long>(text), text);
  CHECK(!parse_number<unsigned>("-1"));
}

TEST_CASE("strings: a list has one part more than separators") {
  CHECK(split("a,,b", ',') == std::vector<std::string>{"a", "", "b"});
  CHECK(split("", ',') == std::vector<std::string>{""});
  CHECK(split(",", ',') == std::vector<std::string>{"", ""});
}

TEST_CASE("strings: what is shown is one line of UTF-8 that no terminal obeys") {
  CHECK(shown("a\nb\x1b[31mc\x7f") == "a b [31mc ");
  CHECK(shown("x\u009by\u2028z\u202ew") == "x y z w");  // a control sequence in one character, a line, a direction
  CHECK(shown("caf\u00e9 \U0001F600") == "caf\u00e9 \U0001F600");
  CHECK(shown("a\xff\xc3(\xed\xa0\x80") == "a\uFFFD\uFFFD(\uFFFD\uFFFD\uFFFD");  // no start, cut short, a surrogate
  CHECK(shown("\xc3") == "\uFFFD");
  CHECK(shown("\u00e9\u00e9\u00e9", 2) == "\u00e9\u00e9...");
  CHECK(shown(std::string(40, 'x')) == std::string(40, 'x'));
}
