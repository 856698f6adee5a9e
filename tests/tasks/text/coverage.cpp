// How much of a text a vocabulary knows.
#include "tasks/text/coverage.h"

#include "tests/support/support.h"

using namespace text;

TEST_CASE("coverage: whole words, words in parts and unknown ones are counted; digits and punctuation are none") {
  const WordPiece tokenizer({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "good", "play", "##ing", ".", "1"});
  const Coverage c = coverage_of({{.text = "Good playing. \xF0\x9F\x98\x80 1 zebra!", .pair = "good"}}, tokenizer);
  CHECK(c.words == 5);    // good, playing, the face, zebra, good
  CHECK(c.whole == 2);    // good, good
  CHECK(c.unknown == 2);  // the face, zebra
  CHECK(c.whole_share() == doctest::Approx(0.4));
  CHECK(coverage_of({}, tokenizer).unknown_share() == 0);
  std::vector<Example> many(10, {.text = "good"});
  CHECK(coverage_of(many, tokenizer, 4).words == 4);
}
