// The vocabulary trainer: a merge order worked out by hand, a naive twin that counts all pairs again, and properties.
// Read tasks/text/vocab_trainer.h before.
#include "tasks/text/vocab_trainer.h"

#include <doctest/doctest.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <random>

#include "tests/support/support.h"

using namespace text;

namespace {

// The example of Sennrich, Haddow, Birch 2016.
const WordCounts kWords = {{"low", 5}, {"lower", 2}, {"newest", 6}, {"widest", 3}};

std::string joined(const std::vector<std::string>& pieces, size_t from = 0) {
  return fmt::format("{}", fmt::join(pieces.begin() + long(from), pieces.end(), " "));
}

std::vector<std::string> babble(unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::string> texts(40);
  for (std::string& text : texts)
    for (int i = 0; i < 60; ++i) text += "aaabbcde  "[random() % 10];
  return texts;
}

using Cut = std::vector<std::string>;

// Without any bookkeeping: all pairs are counted again before each merge.
std::vector<std::string> merged_naively(std::vector<std::string> pieces, std::vector<std::pair<Cut, long>> words,
                                        size_t size, long min_frequency) {
  while (pieces.size() < size) {
    std::map<std::pair<std::string, std::string>, long> pairs;
    for (const auto& [cut, count] : words)
      for (size_t i = 1; i < cut.size(); ++i) pairs[{cut[i - 1], cut[i]}] += count;
    const auto best =
        std::max_element(pairs.begin(), pairs.end(), [](auto& a, auto& b) { return a.second < b.second; });
    if (best == pairs.end() || best->second < min_frequency) break;
    const auto [left, right] = best->first;
    const std::string merged = left + right.substr(2);
    if (std::find(pieces.begin(), pieces.end(), merged) == pieces.end()) pieces.push_back(merged);
    for (auto& word : words) {
      Cut& cut = word.first;
      for (size_t i = 1; i < cut.size(); ++i)
        if (cut[i - 1] == left && cut[i] == right) {
          cut[i - 1] = merged;
          cut.erase(cut.begin() + long(i));
        }
    }
  }
  return pieces;
}

}  // namespace

TEST_CASE(
    "train_vocab: special pieces, the alphabet with and without ##, then merges by frequency and by their strings") {
  const std::vector<std::string> pieces = train_vocab(kWords, 34);
  CHECK(joined(pieces) ==
        "[PAD] [UNK] [CLS] [SEP] [MASK] d e i l n o r s t w ##d ##e ##i ##l ##n ##o ##r ##s ##t ##w "
        "##es ##est ##ow low ##ew ##ewest newest ##dest ##idest");
}

TEST_CASE("train_vocab: merges end when no pair is seen min_frequency times") {
  CHECK(joined(train_vocab(kWords, 100, 5), 5) ==
        "e l n o s t w ##e ##l ##n ##o ##s ##t ##w ##es ##ew ##est ##ewest newest ##ow low");
  CHECK(train_vocab(kWords, 100, 2).back() == "lower");
  CHECK(train_vocab(WordCounts{{"ab", 1}}, 100, 1).back() == "ab");
}

TEST_CASE("train_vocab: never more pieces than asked for, the most frequent letters first") {
  for (int size = 7; size < 60; ++size) CHECK(train_vocab(kWords, size).size() <= size_t(size));
  CHECK(joined(train_vocab(kWords, 9, 1), 5) == "e w ##e ##w");
  CHECK(train_vocab(kWords, 30).size() == 30);
}

TEST_CASE("train_vocab: every piece is there once") {
  std::vector<std::string> pieces = train_vocab(babble(3), 300, 1);
  std::sort(pieces.begin(), pieces.end());
  CHECK(std::adjacent_find(pieces.begin(), pieces.end()) == pieces.end());
}

TEST_CASE("train_vocab: the order of the texts does not matter") {
  std::vector<std::string> texts = babble(1);
  const std::vector<std::string> pieces = train_vocab(texts, 200);
  std::reverse(texts.begin(), texts.end());
  CHECK(train_vocab(texts, 200) == pieces);
}

TEST_CASE("train_vocab: counts kept up to date give the merges of counting all over again") {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    WordCounts counts;
    for (const std::string& text : babble(seed)) count_words(text, {}, counts);
    std::vector<std::pair<Cut, long>> words;
    for (const auto& [word, count] : counts) {
      Cut cut;
      for (char letter : word) cut.push_back((cut.empty() ? "" : "##") + std::string(1, letter));
      words.emplace_back(cut, count);
    }
    const std::vector<std::string> pieces = train_vocab(counts, 200, 2);
    std::vector<std::string> alphabet(pieces.begin(), pieces.begin() + 5 + 2 * 5);  // a b c d e
    CHECK(joined(pieces) == joined(merged_naively(alphabet, words, 200, 2)));
  }
}

TEST_CASE("train_vocab: a vocabulary cuts its own texts without [UNK], frequent words into one piece") {
  const std::vector<std::string> texts = {"The movie was good, the plot was not.", "Good movie! THE movie: très good."};
  const WordPiece tokenizer(train_vocab(texts, 200, 1));
  for (const std::string& text : texts)
    for (int id : tokenizer.encode(text, 64).ids) CHECK(id != tokenizer.unk_id());
  CHECK(tokenizer.tokenize("movie") == std::vector<std::string>{"movie"});
}

TEST_CASE("count_words: counts the words that the tokenizer sees") {
  WordCounts counts;
  count_words("Good, good. GOOD!", {}, counts);
  count_words("Bon été", {}, counts);
  CHECK(counts == WordCounts{{"good", 3}, {",", 1}, {".", 1}, {"!", 1}, {"bon", 1}, {"ete", 1}});
}

TEST_CASE("train_vocab: a word with a letter that has no piece, or of more than 100 letters, does not count") {
  CHECK(joined(train_vocab(WordCounts{{"aba", 3}, {"abz", 1}}, 100, 2), 5) == "a b ##a ##b ##ba aba");
  CHECK(train_vocab(WordCounts{{std::string(101, 'a'), 9}, {"b", 9}}, 100).back() == "##b");
}

TEST_CASE("train_vocab: says why it cannot work") {
  CHECK(test::error_of([] { train_vocab(kWords, 6); }) ==
        "train_vocab: room for five special pieces and a letter, size >= 7; got 6");
  CHECK(test::error_of([] { train_vocab(kWords, 100, 0); }) == "train_vocab: min_frequency >= 1; got 0");
  CHECK(test::error_of([] { train_vocab(WordCounts{}, 100); }) ==
        "train_vocab: no letter is seen 2 times in 0 different words");
}
