// Guides: which tokens a lexicon or a rationale names.
#include "tasks/text/guide.h"

#include "tests/support/support.h"

using namespace test;

TEST_CASE("guide: whole words and phrases, weights, and what the vocabulary does not know") {
  const TemporaryDirectory dir;
  const text::WordPiece tokenizer(
      {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "##ness", "not", "bad", "film"});
  long unknown = 0;
  const std::string path = dir.write("l.txt", "good\nnot bad\t2\nnowhere\n");
  const text::Guide guide = text::Guide::from_lexicon(path, tokenizer, unknown);
  CHECK(unknown == 1);
  const std::vector<text::Example> examples{{.text = "goodness film good", .rationale = "film"},
                                            {.text = "bad not bad", .rationale = "bad|good"}};
  const text::EncodedSet set = text::encode(examples, tokenizer, 16);
  const text::Batch batch = text::pack(set, {1, 0});
  CHECK(guide.prior(batch).to_vector() == std::vector<real>{0, 0, 2, 2, 0, 0, 0, 0, 0, 1, 0});
  const text::Guide marked = text::Guide::from_rationales(examples, tokenizer);
  CHECK(marked.prior(batch).to_vector() == std::vector<real>{0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0});
  const auto refused = [&](const std::string& lines) {
    return error_of([&] { text::Guide::from_lexicon(dir.write("bad.txt", lines), tokenizer, unknown); });
  };
  CHECK(refused("good\t-1\n").find("bad.txt:1: '-1' is not a weight above 0") != std::string::npos);
  CHECK(refused("nowhere\n").find("the vocabulary knows none of its 1 words") != std::string::npos);
}
