// Hidden pieces: how many, which, by what, and that nothing but seed and draw decides.
#include "tasks/text/masking.h"

#include <set>

#include "tasks/text/batches.h"
#include "tests/support/support.h"

using namespace test;

namespace {

using text::HideBy;

text::WordPiece letters_and_parts() {
  std::vector<std::string> pieces{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  for (char c = 'a'; c <= 'z'; ++c) pieces.push_back(std::string(1, c)), pieces.push_back("##" + std::string(1, c));
  return text::WordPiece(pieces);
}

// `count` sequences of 200 pieces: words of one to three letters.
nn::Tokens long_texts(const text::WordPiece& tokenizer, int count, int pieces_a_word = 1) {
  std::string text;
  for (int i = 0; i < 200; ++i)
    text += std::string(1, char('a' + i * 7 % 26)) + ((i + 1) % pieces_a_word == 0 ? " " : "");
  const std::vector<text::Example> examples(count, text::Example{.text = text});
  return text::in_order(text::encode(examples, tokenizer, 300), count)[0].tokens;
}

std::vector<uint64_t> draws_from(uint64_t first, long count) {
  std::vector<uint64_t> draws;
  for (long i = 0; i < count; ++i) draws.push_back(first + uint64_t(i));
  return draws;
}

struct MaskedShares {
  double hidden = 0, same = 0;
};
MaskedShares shares_of(const text::Masked& after, const text::WordPiece& tokenizer) {
  MaskedShares s;
  for (size_t i = 0; i < after.rows.size(); ++i) {
    const int now = after.tokens.ids[after.rows[i]];
    s.hidden += now == tokenizer.mask_id();
    s.same += now == after.targets[i];
  }
  s.hidden /= double(after.rows.size()), s.same /= double(after.rows.size());
  return s;
}

}  // namespace

TEST_CASE("mask: 15 % of each text, of them 80 % hidden, 10 % replaced, 10 % left; the others and the specials stay") {
  const text::WordPiece tokenizer = letters_and_parts();
  const nn::Tokens before = long_texts(tokenizer, 50);
  const text::Masked after = text::mask(before, draws_from(0, 50), tokenizer, {}, 1);
  REQUIRE(after.rows.size() == 50 * 30);
  CHECK(std::is_sorted(after.rows.begin(), after.rows.end()));
  std::vector<char> chosen(before.ids.size());
  for (size_t i = 0; i < after.rows.size(); ++i) {
    CHECK(after.targets[i] == before.ids[after.rows[i]]);
    CHECK(!tokenizer.is_special(after.targets[i]));
    chosen[after.rows[i]] = 1;
  }
  const MaskedShares shares = shares_of(after, tokenizer);
  CHECK(std::abs(shares.hidden - 0.8) < 0.04);
  CHECK(std::abs(shares.same - (0.1 + 0.1 / 57)) < 0.03);
  for (size_t t = 0; t < chosen.size(); ++t)
    if (!chosen[t]) CHECK(after.tokens.ids[t] == before.ids[t]);
}

TEST_CASE("mask: by words, every word is hidden whole or not at all, and the share is kept") {
  const text::WordPiece tokenizer = letters_and_parts();
  const nn::Tokens before = long_texts(tokenizer, 40, 3);
  const text::Masked after = text::mask(before, draws_from(0, 40), tokenizer,
                                        {.share = 0.15, .by = HideBy::word, .hidden = 1, .replaced = 0}, 1);
  const std::set<int> rows(after.rows.begin(), after.rows.end());
  for (const int row : rows) {
    int begin = row, end = row + 1;
    while (tokenizer.piece(before.ids[begin]).starts_with("##")) --begin;
    while (tokenizer.piece(before.ids[end]).starts_with("##")) ++end;
    for (int t = begin; t < end; ++t) CHECK(rows.contains(t));
  }
  CHECK(after.rows.size() >= 40 * 28);  // 30 pieces are ten words of three; the text's last word is shorter
  CHECK(after.rows.size() <= 40 * 30);
}

TEST_CASE("mask: spans are runs of words, 2 to 6 long on average, and the share is kept") {
  const text::WordPiece tokenizer = letters_and_parts();
  const nn::Tokens before = long_texts(tokenizer, 60);
  const text::Masked after = text::mask(before, draws_from(0, 60), tokenizer, {.share = 0.2, .by = HideBy::span}, 1);
  CHECK(after.rows.size() == 60 * 40);
  long runs = 0, longest = 0, length = 0;
  for (size_t i = 0; i < after.rows.size(); ++i) {
    const bool goes_on = i > 0 && after.rows[i] == after.rows[i - 1] + 1;
    runs += !goes_on;
    length = goes_on ? length + 1 : 1;
    longest = std::max(longest, length);
  }
  const double mean = double(after.rows.size()) / double(runs);
  CHECK(mean > 2);  // pieces by chance: 1.25
  CHECK(mean < 6);
  CHECK(longest > 5);
}

TEST_CASE("mask: ELECTRA's way, 85 % become [MASK] and 15 % stay, and places that are drawn twice are one place") {
  const text::WordPiece tokenizer = letters_and_parts();
  const nn::Tokens before = long_texts(tokenizer, 200);
  const text::Masked after = text::mask(before, draws_from(0, 200), tokenizer,
                                        {.share = 0.15, .hidden = 0.85, .replaced = 0, .repeats = true}, 1);
  const double distinct = double(after.rows.size()) / (200. * 200);
  CHECK(std::abs(distinct - (1 - std::pow(1 - 1 / 200., 30))) < 0.003);  // 13.96 %
  CHECK(std::adjacent_find(after.rows.begin(), after.rows.end()) == after.rows.end());
  const MaskedShares shares = shares_of(after, tokenizer);
  CHECK(std::abs(shares.hidden - 0.85) < 0.02);
  CHECK(shares.hidden + shares.same == doctest::Approx(1));
}

TEST_CASE("mask: a text is hidden alike in every batch, otherwise at the next draw, and otherwise with another seed") {
  const text::WordPiece tokenizer = letters_and_parts();
  for (const HideBy by : {HideBy::piece, HideBy::word, HideBy::span}) {
    const auto ids = [&](const std::vector<uint64_t>& draws, uint64_t seed) {
      return text::mask(long_texts(tokenizer, int(draws.size())), draws, tokenizer, {.by = by}, seed).tokens.ids;
    };
    const Indices alone = ids({12}, 1), together = ids({10, 11, 12}, 1);
    CHECK(std::equal(alone.begin(), alone.end(), together.end() - long(alone.size())));
    CHECK(ids({13}, 1) != alone);
    CHECK(ids({12 + (uint64_t(1) << 32)}, 1) != alone);
    CHECK(ids({12}, 2) != alone);
  }
}

TEST_CASE("mask: at least one piece, none where there is none, and never without a [MASK]") {
  const text::WordPiece tokenizer = letters_and_parts();
  const text::EncodedSet set = text::encode({{.text = "a"}, {.text = "9"}, {.text = ""}}, tokenizer, 8);
  const nn::Tokens tokens = text::in_order(set, 3)[0].tokens;
  CHECK(text::mask(tokens, draws_from(0, 3), tokenizer, {}, 1).rows == Indices{1});
  const text::WordPiece without({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "a"});
  CHECK(error_of([&] { text::mask(tokens, draws_from(0, 3), without, {}, 1); }) ==
        "the vocabulary has no [MASK]: nothing can be hidden");
  CHECK(error_of([&] { text::mask(tokens, draws_from(0, 3), tokenizer, {.share = 0}, 1); }).find("in (0, 1]") !=
        std::string::npos);
  CHECK(error_of([&] { text::mask(tokens, draws_from(0, 2), tokenizer, {}, 1); }) ==
        "mask: one draw a sequence; got 2 for 3");
}
