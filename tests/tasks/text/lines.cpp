// Files of lines: those of two files that belong together.
#include "tasks/text/lines.h"

#include "tests/support/support.h"

using namespace test;

TEST_CASE("parallel texts: line by line; an empty line and another length are named with file and line") {
  const TemporaryDirectory dir;
  const std::string en = dir.write("a.en", "one\r\ntwo \xFF\n"), de = dir.write("a.de", "eins\nzwei\n");
  const text::ParallelTexts texts = text::read_parallel(en, de);
  REQUIRE(texts.source.size() == 2);
  CHECK(texts.source[1].text == "two \xEF\xBF\xBD");
  CHECK(texts.target[1].text == "zwei");
  CHECK(texts.target[1].where == de + ":2");
  const auto refused = [&](const std::string& content) {
    return error_of([&] { text::read_parallel(en, dir.write("b.de", content)); });
  };
  CHECK(refused("eins\n \n") ==
        dir.path + "/b.de:2: the line is empty; a pair needs both texts: remove the line from both files");
  CHECK(refused("eins\n\u00A0\u3000\n").find("b.de:2: the line is empty") != std::string::npos);
  CHECK(refused("eins\n") ==
        en + " has 2 lines, " + dir.path + "/b.de has 1: line i of one must belong to line i of the other");
  CHECK(error_of([&] { text::read_parallel(en, dir.path + "/none"); }).find(dir.path + "/none") == 0);
}

TEST_CASE("lines: what is not valid is repaired or refused, in UTF-8 by its line; U+FFFD itself is valid") {
  const TemporaryDirectory dir;
  const std::string bad = dir.write("bad", "\uFFFD\n\xFF\n"), good = dir.write("good", "\uFFFD\n");
  CHECK(text::read_lines(bad)[1].text == "\uFFFD");
  CHECK(error_of([&] { text::read_lines(bad, text::Invalid::refused); }) == bad + ":2: the line is not valid UTF-8");
  CHECK(text::read_lines(good, text::Invalid::refused)[0].text == "\uFFFD");
  const std::string half = dir.write("half", std::string("\xFF\xFE"
                                                         "a\0\0\xD8\n\0",
                                                         8));  // a surrogate alone
  CHECK(text::read_lines(half).size() == 1);
  CHECK(error_of([&] { text::read_lines(half, text::Invalid::refused); }) ==
        half + ": it has bytes that are no character of its encoding");
}

TEST_CASE("lines: carriage returns alone end lines where no line feed does, wherever a block ends, as in a table") {
  const TemporaryDirectory dir;
  const std::string mac = dir.write("mac.txt", "\xEF\xBB\xBFgood film\r\rbad film\r"),
                    other = dir.write("a.txt", "a\rb\nc\r\n");
  for (const size_t block : {1, 2, 5, 1000})
    for (const auto& [path, lines] : {std::pair{mac, std::vector<std::string>{"good film", "", "bad film"}},
                                      {other, std::vector<std::string>{"a\rb", "c"}}}) {
      std::vector<std::string> got;
      for (text::LineBlocks blocks(path, "auto", block); blocks.next();)
        got.insert(got.end(), blocks.lines().begin(), blocks.lines().end());
      CHECK(got == lines);
    }
  const std::vector<text::Example> texts = text::read_lines(mac);
  REQUIRE(texts.size() == 3);
  CHECK(texts[2].where == mac + ":3");
}
