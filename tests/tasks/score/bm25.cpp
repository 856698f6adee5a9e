// BM25 against its formula worked out by hand, and rank fusion. Read tasks/score/bm25.h before.
#include "tasks/score/bm25.h"

#include <cmath>

#include "tests/support/support.h"

using namespace test;
using namespace score;

namespace {

const std::vector<std::vector<std::string>> kDocuments{
    {"a", "cat", "sat"}, {"the", "cat", "the", "cat", "and", "a"}, {"dogs"}, {}};

}  // namespace

TEST_CASE("bm25: scores of words by frequency, rarity and length, as worked out by hand") {
  // N 4, lengths 3 6 1 0, mean 2.5; "cat" is in two documents, idf ln(1 + 2.5 / 2.5) = ln 2
  const Bm25 bm25(kDocuments);
  const std::vector<double> got = bm25.scores({"cat"});
  const auto part = [](double f, double len) { return f * 2.2 / (f + 1.2 * (0.25 + 0.75 * len / 2.5)); };
  CHECK(got[0] == doctest::Approx(std::log(2) * part(1, 3)));
  CHECK(got[1] == doctest::Approx(std::log(2) * part(2, 6)));
  CHECK(got[2] == 0);
  CHECK(got[3] == 0);
  // "dogs" is in one: ln(1 + 3.5 / 1.5)
  CHECK(bm25.scores({"dogs"})[2] == doctest::Approx(std::log(1 + 3.5 / 1.5) * part(1, 1)));
}

TEST_CASE("bm25: a word counts as often as it is asked; unknown words and no words count nothing") {
  const Bm25 bm25(kDocuments);
  const std::vector<double> once = bm25.scores({"cat"}), twice = bm25.scores({"cat", "cat", "unicorn"});
  for (size_t i = 0; i < once.size(); ++i) CHECK(twice[i] == doctest::Approx(2 * once[i]));
  for (const double score : bm25.scores({})) CHECK(score == 0);
  CHECK(Bm25({}).scores({"cat"}).empty());
}

TEST_CASE("bm25: with b 0 the length does not matter, with k1 0 nor does how often a word occurs") {
  const std::vector<std::vector<std::string>> documents{{"x"}, {"x", "x", "y", "z"}, {"w"}};
  CHECK(Bm25(documents, 0, 1).scores({"x"})[0] == doctest::Approx(Bm25(documents, 0, 1).scores({"x"})[1]));
  const std::vector<double> flat = Bm25({{"x"}, {"x", "y", "z"}, {"w"}}, 1.2, 0).scores({"x"});
  CHECK(flat[0] == doctest::Approx(flat[1]));
  CHECK(error_of([] { Bm25({{"x"}}, 1.2, 2); }).find("b in [0, 1]") != std::string::npos);
}

TEST_CASE("fused: what two rankings have in front stands before what one of them has first") {
  const std::vector<double> got = fused({{0, 1, 2}, {3, 1}}, {1, 1}, 5);
  CHECK(got[1] == doctest::Approx(2.0 / 62));
  CHECK(got[0] == doctest::Approx(1.0 / 61));
  CHECK(got[1] > got[0]);
  CHECK(got[2] == doctest::Approx(1.0 / 63));
  CHECK(got[4] == 0);
  CHECK(fused({{0}, {1}}, {0.2, 0.8}, 2)[1] == doctest::Approx(0.8 / 61));
  CHECK(error_of([] { fused({{7}}, {1}, 3); }).find("0 ... 2; got 7") != std::string::npos);
}
