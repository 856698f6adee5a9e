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
