// Retrieval's figures in cases that can be counted by hand; lines that belong together.
#include "tasks/score/ranking.h"

#include "tasks/text/lines.h"
#include "tests/support/support.h"

using namespace test;

TEST_CASE("retrieve: ranks 1, 2 and 3 give accuracy 1/3 and (1 + 1/2 + 1/3)/3, whatever the lengths of the vectors") {
  const Tensor candidates({3, 2}, {10, 0, real(0.1), real(0.1), 0, 5});  // 0, 45 and 90 degrees
  const Tensor queries({3, 2}, {1, real(0.1), real(0.9), real(0.1), 2, real(0.2)});
  const score::Retrieval r = score::retrieve(queries, candidates);  // all look to the first: own ranks 1, 2, 3
  CHECK(r.accuracy == doctest::Approx(1. / 3));
  CHECK(r.mrr == doctest::Approx((1 + 1. / 2 + 1. / 3) / 3));
}

TEST_CASE("retrieve: vectors that are all alike find nothing, and so do rows of zeros") {
  const Tensor same = Tensor::full({4, 3}, 2);
  CHECK(score::retrieve(same, same).accuracy == 0);
  CHECK(score::retrieve(same, same).mrr == doctest::Approx(0.25));
  CHECK(score::retrieve(Tensor::zeros({4, 3}), varied({4, 3})).accuracy == 0);
  CHECK(score::retrieve(varied({4, 3}), varied({4, 3})).accuracy == 1);
  CHECK(error_of([&] { score::retrieve(same, Tensor::zeros({3, 3})); }).find("one shape [n, C]") != std::string::npos);
}

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
  CHECK(refused("eins\n") ==
        en + " has 2 lines, " + dir.path + "/b.de has 1: line i of one must belong to line i of the other");
  CHECK(error_of([&] { text::read_parallel(en, dir.path + "/none"); }).find(dir.path + "/none") == 0);
}
