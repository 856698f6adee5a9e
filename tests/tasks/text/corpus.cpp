// Texts become sequences: every piece once, repeats and evaluation sentences not at all, in an order set by a count.
#include "tasks/text/corpus.h"

#include <map>
#include <set>

#include "tests/support/support.h"

using namespace test;

namespace {

using Texts = std::vector<std::string_view>;

text::WordPiece letters() {
  std::vector<std::string> pieces{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  for (char c = 'a'; c <= 'z'; ++c) pieces.push_back(std::string(1, c));
  return text::WordPiece(pieces);
}

text::Corpus of_parts(const std::vector<std::pair<int, double>>& sizes_and_weights) {
  text::Corpus corpus;
  for (const auto& [size, weight] : sizes_and_weights) {
    const long first = corpus.size();
    for (int s = 0; s < size; ++s) {
      corpus.ids.insert(corpus.ids.end(), {2, 5, 3});
      corpus.begin.push_back(long(corpus.ids.size()));
    }
    corpus.parts.push_back({"part", weight, first, corpus.size()});
  }
  return corpus;
}

}  // namespace

TEST_CASE(
    "corpus: a text is cut end to end: every piece stands in one sequence, in order, none is longer than allowed") {
  const text::WordPiece tokenizer = letters();
  std::string text;
  for (int i = 0; i < 23; ++i) text += std::string(1, char('a' + i)) + " ";
  text::CorpusBuilder builder({.max_length = 10});
  builder.open("file", 1);
  builder.add({text, "a b"}, tokenizer);
  const text::Corpus& c = builder.train;
  REQUIRE(c.size() == 4);  // 8 + 8 + 7 of the first, 2 of the second
  CHECK(c.begin == std::vector<long>{0, 10, 20, 29, 33});
  std::vector<int> pieces;
  for (long s = 0; s < c.size(); ++s) {
    CHECK(c.ids[c.begin[s]] == tokenizer.cls_id());
    CHECK(c.ids[c.begin[s + 1] - 1] == tokenizer.sep_id());
    pieces.insert(pieces.end(), c.ids.begin() + c.begin[s] + 1, c.ids.begin() + c.begin[s + 1] - 1);
  }
  for (int i = 0; i < 23; ++i) CHECK(pieces[i] == tokenizer.id(std::string(1, char('a' + i))));
  CHECK(pieces.size() == 25);

  const nn::Tokens laid = lay_out(c, {3, 2});
  CHECK(laid.offsets == Indices{0, 4, 13});
  CHECK(laid.positions == Indices{0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 8});
  CHECK(std::equal(laid.ids.begin(), laid.ids.begin() + 4, c.ids.begin() + 29));
}

TEST_CASE("corpus: a text that was there before is left out and counted, and so is one of unknown letters alone") {
  const text::WordPiece tokenizer = letters();
  text::CorpusBuilder builder({});
  builder.open("one", 1);
  builder.add({"a b c", "d e", "a b c", "  ", "9 9 9"}, tokenizer);
  builder.open("two", 2);
  builder.add({"d e", "a b c ", "f"}, tokenizer);  // one byte more is another text
  CHECK(builder.train.parts[0].repeats == 1);
  CHECK(builder.train.parts[1].repeats == 1);
  CHECK(builder.train.parts[0].texts == 2);
  CHECK(builder.train.parts[1].texts == 2);
  CHECK(builder.train.size() == 4);
  CHECK(builder.train.tokens(builder.train.parts[1]) == 5 + 3);
}

TEST_CASE("corpus: six words of a forbidden sentence in any dress are found, five are everybody's") {
  text::ForbiddenSentences forbidden;
  forbidden.add("The harbour was quiet that morning; nobody came. Too short this one.");
  CHECK(forbidden.count() == 2);  // the first sentence and the whole text
  CHECK(forbidden.stand_in("They say: THE HARBOUR... was quiet, that   morning - and more"));
  CHECK(forbidden.stand_in("the harbour was quiet that morning"));
  CHECK(!forbidden.stand_in("the harbour was quiet that evening"));
  CHECK(!forbidden.stand_in("harbour was quiet that morning"));
  CHECK(!forbidden.stand_in("nobody came too short this one"));       // not a sentence of its own
  CHECK(!forbidden.stand_in("the harbour was quiet that mornings"));  // words, not letters
  forbidden.add("one two three four five");
  CHECK(forbidden.count() == 2);
  forbidden.add("I don't know what we'll do");
  CHECK(forbidden.stand_in("well, i dont know what well do."));

  const text::WordPiece tokenizer = letters();
  text::ForbiddenSentences abc;
  abc.add("a b c d e f");
  text::CorpusBuilder builder({.without = &abc});
  builder.open("file", 1);
  builder.add({"x a b c d e f y", "a b c d e", "f e d c b a"}, tokenizer);
  CHECK(builder.train.parts[0].forbidden == 1);
  CHECK(builder.train.size() == 2);
}

TEST_CASE(
    "corpus: what is held out goes by the text and the seed: neither order nor files matter, and nothing is in both") {
  const text::WordPiece tokenizer = letters();
  std::vector<std::string> texts;
  for (char a = 'a'; a <= 'z'; ++a)
    for (char b = 'a'; b <= 'z'; ++b) texts.push_back({a, ' ', b});
  const auto held_out = [&](const std::vector<std::string>& order, uint64_t seed) {
    text::CorpusBuilder builder({.held_out = 0.2, .seed = seed});
    builder.open("file", 1);
    builder.add(Texts(order.begin(), order.end()), tokenizer);
    CHECK(builder.train.size() + builder.held_out.size() == 676);
    const std::vector<int>& ids = builder.held_out.ids;
    std::set<std::pair<int, int>> set;
    for (size_t i = 0; i < ids.size(); i += 4) set.insert({ids[i + 1], ids[i + 2]});
    return set;
  };
  const auto one = held_out(texts, 1);
  CHECK(std::abs(double(one.size()) - 135) < 40);
  CHECK(held_out({texts.rbegin(), texts.rend()}, 1) == one);
  CHECK(held_out(texts, 2) != one);
}

TEST_CASE("draws: an epoch has each part's sequences as often as it weighs; a fraction takes other ones every time") {
  const text::Corpus corpus = of_parts({{10, 2}, {10, 0.3}, {10, 1.5}, {4, 1}});
  text::Draws draws(corpus, 5);
  CHECK(draws.per_epoch() == 20 + 3 + 15 + 4);
  CHECK(draws.tokens_per_epoch() == doctest::Approx(3 * 42));
  long next = 0;
  std::map<long, int> all, before;
  for (int epoch = 0; epoch < 10; ++epoch) {
    std::map<long, int> count;
    for (const long s : draws.take(next, 3 * 42)) ++count[s], ++all[s];
    REQUIRE(next == 42 * (epoch + 1));
    for (long s = 0; s < 10; ++s) CHECK(count[s] == 2);
    for (long s = 30; s < 34; ++s) CHECK(count[s] == 1);
    for (long s = 20; s < 30; ++s) CHECK((count[s] == 1 || count[s] == 2));
    CHECK(count != before);
    before = count;
  }
  for (long s = 10; s < 20; ++s) CHECK(all[s] == 3);  // 10 epochs of 0.3
  for (long s = 20; s < 30; ++s) CHECK(all[s] == 15);
}

TEST_CASE("draws: a run that is continued from a count draws what an undisturbed one does, whatever its steps' sizes") {
  const text::Corpus corpus = of_parts({{50, 1}, {20, 0.5}});
  text::Draws whole(corpus, 9), parts(corpus, 9), other(corpus, 10);
  long at = 0, end = 0, elsewhere = 0;
  const std::vector<long> all = whole.take(end, 3 * 200);
  std::vector<long> pieced = parts.take(at, 1);
  CHECK(pieced.size() == 1);
  for (const long tokens : {100, 7, 293}) {
    text::Draws again(corpus, 9);
    for (const long s : again.take(at, tokens)) pieced.push_back(s);
  }
  REQUIRE(pieced.size() <= all.size());
  CHECK(std::equal(pieced.begin(), pieced.end(), all.begin()));
  CHECK(other.take(elsewhere, 3 * 200) != all);
}

TEST_CASE("corpus: its fingerprint changes with a piece, a border, a weight") {
  const text::Corpus corpus = of_parts({{3, 1}});
  const auto changed = [&](auto f) {
    text::Corpus other = corpus;
    f(other);
    return other.fingerprint() != corpus.fingerprint();
  };
  CHECK(corpus.fingerprint() == of_parts({{3, 1}}).fingerprint());
  CHECK(changed([](text::Corpus& c) { c.ids[4] = 6; }));
  CHECK(changed([](text::Corpus& c) { c.begin[1] = 4; }));
  CHECK(changed([](text::Corpus& c) { c.parts[0].weight = 1.5; }));
}

TEST_CASE("corpus: a folder is its text files by name, also those of folders below; one without any is an error") {
  const TemporaryDirectory dir;
  std::filesystem::create_directories(dir.path + "/b/c");
  dir.write("z.txt", "x\n"), dir.write("b/c/a.jsonl", "{}\n"), dir.write("b/readme.md", "x\n");
  CHECK(text::files_at(dir.path) == std::vector<std::string>{dir.path + "/b/c/a.jsonl", dir.path + "/z.txt"});
  CHECK(text::files_at(dir.path + "/z.txt") == std::vector<std::string>{dir.path + "/z.txt"});
  std::filesystem::create_directories(dir.path + "/empty");
  CHECK(error_of([&] { text::files_at(dir.path + "/empty"); }).find("the folder has no .txt") != std::string::npos);
  CHECK(error_of([&] { text::files_at(dir.path + "/none"); }).find("no such file or folder") != std::string::npos);
}
