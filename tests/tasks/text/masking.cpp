// Hidden pieces: how many, which, by what, and that nothing but seed, epoch and row decides.
#include "tasks/text/masking.h"

#include "tests/support/support.h"

using namespace test;

namespace {

text::WordPiece letters() {
  std::vector<std::string> pieces{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  for (char c = 'a'; c <= 'z'; ++c) pieces.push_back(std::string(1, c));
  return text::WordPiece(pieces);
}

text::EncodedSet long_texts(const text::WordPiece& tokenizer, int count) {
  std::string text;
  for (int i = 0; i < 200; ++i) text += std::string(1, char('a' + i * 7 % 26)) + " ";
  return text::encode(std::vector<text::Example>(count, text::Example{.text = text}), tokenizer, 300);
}

}  // namespace

TEST_CASE("mask: 15 % of each text, of them 80 % hidden, 10 % replaced, 10 % left; the others and the specials stay") {
  const text::WordPiece tokenizer = letters();
  const text::EncodedSet set = long_texts(tokenizer, 50);
  const text::Batch before = text::in_order(set, 50)[0];
  const text::Masked after = text::mask(before, tokenizer, 0.15, 1, 0);
  REQUIRE(after.rows.size() == 50 * 30);
  std::vector<char> chosen(before.tokens.ids.size());
  int hidden = 0, same = 0;
  for (size_t i = 0; i < after.rows.size(); ++i) {
    const int row = after.rows[i], now = after.batch.tokens.ids[row];
    CHECK(after.targets[i] == before.tokens.ids[row]);
    CHECK(!tokenizer.is_special(after.targets[i]));
    chosen[row] = 1;
    hidden += now == tokenizer.mask_id();
    same += now == after.targets[i];
  }
  CHECK(std::abs(hidden / 1500. - 0.8) < 0.04);
  CHECK(std::abs(same / 1500. - (0.1 + 0.1 / 31)) < 0.03);
  for (size_t t = 0; t < chosen.size(); ++t)
    if (!chosen[t]) CHECK(after.batch.tokens.ids[t] == before.tokens.ids[t]);
}

TEST_CASE("mask: a text is hidden alike in every batch, otherwise in the next epoch, and otherwise with another seed") {
  const text::WordPiece tokenizer = letters();
  const text::EncodedSet set = long_texts(tokenizer, 3);
  const auto ids = [&](const Indices& rows, uint64_t seed, uint32_t epoch) {
    return text::mask(text::pack(set, rows), tokenizer, 0.15, seed, epoch).batch.tokens.ids;
  };
  const Indices alone = ids({2}, 1, 0), together = ids({0, 1, 2}, 1, 0);
  CHECK(std::equal(alone.begin(), alone.end(), together.end() - long(alone.size())));
  CHECK(ids({0}, 1, 0) != ids({1}, 1, 0));  // the same words on another row
  CHECK(ids({2}, 1, 1) != alone);
  CHECK(ids({2}, 2, 0) != alone);
}

TEST_CASE("mask: at least one piece, none where there is none, and never without a [MASK]") {
  const text::WordPiece tokenizer = letters();
  const text::EncodedSet set = text::encode({{.text = "a"}, {.text = "9"}, {.text = ""}}, tokenizer, 8);
  const text::Masked masked = text::mask(text::in_order(set, 3)[0], tokenizer, 0.15, 1, 0);
  CHECK(masked.rows == Indices{1});
  const text::WordPiece without({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "a"});
  CHECK(error_of([&] { text::mask(text::in_order(set, 3)[0], without, 0.15, 1, 0); }) ==
        "the vocabulary has no [MASK]: nothing can be hidden");
  CHECK(error_of([&] { text::mask(text::in_order(set, 3)[0], tokenizer, 0, 1, 0); }).find("in (0, 1]") !=
        std::string::npos);
}
