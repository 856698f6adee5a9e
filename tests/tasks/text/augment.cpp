// Texts said a little differently: what is drawn, what stays as it is.
#include "tasks/text/augment.h"

#include <algorithm>
#include <set>

#include "engine/strings.h"
#include "tests/support/support.h"

using namespace test;
using text::Augmentation;

namespace {

const std::string kText = "the (quick) brown fox, 42 years old, jumps over \xE4\xB8\xAD\xE6\x96\x87 dogs";

std::string again(Augmentation how, uint32_t draw, double share = 0.3, const text::Synonyms& synonyms = nullptr,
                  const std::string& of = kText) {
  return text::augmented(of, how, share, synonyms, {1, engine::Stream::sample, 0, draw});
}

std::vector<std::string> sorted_words(const std::string& s) {
  std::vector<std::string> words;
  for (const std::string_view word : engine::split(s, ' ')) words.emplace_back(word);
  std::sort(words.begin(), words.end());
  return words;
}

}  // namespace

TEST_CASE("augment: without synonyms EDA swaps words or leaves some out, and every draw is its own") {
  const std::vector<std::string> all = sorted_words(kText);
  std::set<std::string> seen;
  int swapped = 0, shorter = 0;
  for (uint32_t draw = 0; draw < 60; ++draw) {
    const std::string text = again(Augmentation::eda, draw);
    const std::vector<std::string> words = sorted_words(text);
    CHECK(std::includes(all.begin(), all.end(), words.begin(), words.end()));
    swapped += words == all && text != kText;
    shorter += words.size() < all.size();
    seen.insert(text);
    CHECK(text == again(Augmentation::eda, draw));
  }
  CHECK(swapped > 10);
  CHECK(shorter > 10);
  CHECK(seen.size() > 30);
}

TEST_CASE("augment: synonyms take the place of a word between its signs, or stand somewhere") {
  const text::Synonyms synonyms = [](const std::string& word) {
    return word == "quick" ? std::vector<std::string>{"fast"} : std::vector<std::string>();
  };
  int replaced = 0, inserted = 0;
  for (uint32_t draw = 0; draw < 80; ++draw) {
    const std::string text = again(Augmentation::eda, draw, 0.1, synonyms);
    replaced += text.find("(fast)") != std::string::npos;
    inserted += text.find("(quick)") != std::string::npos && text.find("fast") != std::string::npos;
  }
  CHECK(replaced > 3);
  CHECK(inserted > 3);
}

TEST_CASE("augment: a word at least is left, a single one is itself, blanks stay blanks") {
  for (uint32_t draw = 0; draw < 40; ++draw) {
    CHECK(!again(Augmentation::words, draw, 1).empty());
    CHECK(!again(Augmentation::eda, draw, 1, nullptr, "alone").empty());
    CHECK(again(Augmentation::eda, draw, 1, nullptr, "  ") == "  ");
  }
}

TEST_CASE("augment: slips change letters inside of longer words, not their ends, digits or other scripts") {
  int changed = 0;
  for (uint32_t draw = 0; draw < 40; ++draw) {
    const std::string text = again(Augmentation::characters, draw, 1);
    changed += text != kText;
    CHECK(text.starts_with("the (q"));
    CHECK(text.find(" fox, 42 ") != std::string::npos);
    CHECK(text.find("\xE4\xB8\xAD\xE6\x96\x87") != std::string::npos);
  }
  CHECK(changed == 40);
  CHECK(text::slipped(U"word", 0, 1, U'x') == "wrod");
  CHECK(text::slipped(U"word", 0, 2, U'x') == "wrod");
  CHECK(text::slipped(U"word", 1, 2, U'x') == "woxd");
  CHECK(text::slipped(U"word", 2, 1, U'x') == "wrd");
  CHECK(text::slipped(U"word", 3, 1, U'x') == "woord");
  CHECK(error_of([] { text::slipped(U"word", 0, 0, U'x'); }).find("a letter inside of the word; got 0 of 4") !=
        std::string::npos);
}
