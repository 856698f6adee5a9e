// Pieces and pairs: texts as ids and back, batches that hold every pair once an epoch, the embedded phrases.
#include "tasks/translate/pairs.h"

#include <map>
#include <set>

#include "nn/format/files.h"
#include "tasks/text/embedded.h"
#include "tasks/text/utf8.h"
#include "tests/support/support.h"

using namespace test;
using namespace translate;

namespace {

const Texts& phrases() {
  static const Texts texts = pairs_of(text::embedded_phrases(), "embedded");
  return texts;
}

Pieces learned(const std::string& kind, bool lowercase = false) {
  std::vector<std::string> both = phrases().source;
  both.insert(both.end(), phrases().target.begin(), phrases().target.end());
  return Pieces::learn(both, {kind, 700, lowercase});
}

}  // namespace

TEST_CASE("phrases: two thousand English and German sentences, valid, distinct, each a sentence on both sides") {
  const Texts& all = phrases();
  CHECK(all.size() >= 2000);
  CHECK(std::set<std::string>(all.source.begin(), all.source.end()).size() == size_t(all.size()));
  for (long i = 0; i < all.size(); ++i)
    for (const std::string& side : {all.source[i], all.target[i]}) {
      CHECK_MESSAGE(text::is_utf8(side), side);
      const bool ends = side.ends_with(".") || side.ends_with("?") || side.ends_with("!");
      CHECK_MESSAGE((ends && side.find("  ") == side.npos && side[0] != ' '), side);
    }
  for (long i = 0; i < all.size(); ++i)  // questions stay questions
    CHECK_MESSAGE(all.source[i].ends_with("?") == all.target[i].ends_with("?"), all.source[i]);
}

TEST_CASE("pieces: decode(encode(text)) is the text, by unigrams and by BPE; a directory cuts as what was saved") {
  for (const char* kind : {"unigram", "bpe"}) {
    const Pieces pieces = learned(kind);
    CHECK(pieces.size() <= 700);
    long tokens = 0, letters = 0;
    for (const std::string& text : phrases().target) {
      const std::vector<int> ids = pieces.target(text);
      CHECK(ids.back() == pieces.end());
      CHECK(pieces.text(ids) == text);
      tokens += long(ids.size()), letters += long(text.size());
    }
    CHECK(tokens * 2 < letters);  // pieces, not letters
    const TemporaryDirectory dir;
    pieces.save(dir.path);
    const Pieces again = Pieces::load(dir.path);
    CHECK(again.source("Where is the harbour?") == pieces.source("Where is the harbour?"));
    CHECK(again.padding() == pieces.size() - 1);
  }
  const Pieces lower = learned("unigram", true);
  CHECK(lower.text(lower.target("Über DIE Straße")) == "über die straße");
  const Pieces pieces = learned("unigram");
  CHECK(pieces.text(pieces.source("Where is 北京?")).starts_with("Where is "));  // unknown, and no crash
}

TEST_CASE("pieces: SentencePiece keeps no blanks at the ends, none doubled, no mark of a blank, no new characters") {
  for (const char* kind : {"unigram", "bpe"}) {
    const Pieces pieces = learned(kind);
    const auto back = [&](const std::string& text) { return pieces.text(pieces.target(text)); };
    CHECK(back(" Guten  Tag ") == "Guten Tag");
    CHECK(back("Guten\u2581Tag") == "Guten Tag");
    CHECK(back("Guten \u5317!").find("\u2047") != std::string::npos);  // SentencePiece's mark of what it does not know
    CHECK(pieces.came_back({"Guten Tag", " Guten Tag", "Guten  Tag", "Guten \u5317!"}) == 1);
    CHECK(pieces.came_back(phrases().source) == phrases().size());
  }
}

TEST_CASE("pieces: BPE-dropout cuts otherwise, by the seed, into more pieces of the same text") {
  const Pieces pieces = learned("bpe");
  const std::vector<Pair> plain = encode(phrases(), pieces, 100);
  const auto cut = [&](float dropout, uint32_t seed, long positions = 100) {
    return cut_anew(plain, phrases(), pieces, dropout, seed, positions);
  };
  const auto same = [](const std::vector<Pair>& a, const std::vector<Pair>& b) {
    long count = 0;
    for (size_t i = 0; i < a.size(); ++i) count += a[i].source == b[i].source && a[i].target == b[i].target;
    return count;
  };
  const std::vector<Pair> a = cut(0.2f, 1);
  const long all = long(plain.size());
  REQUIRE(long(a.size()) == all);
  CHECK(same(a, cut(0.2f, 1)) == all);
  CHECK(same(a, cut(0.2f, 2)) < all / 4);
  CHECK(same(a, plain) < all / 4);
  CHECK(same(cut(0.01f, 1), plain) > all / 2);
  long pieces_before = 0, pieces_after = 0;
  for (long i = 0; i < all; ++i) {
    CHECK(pieces.text(a[i].target) == phrases().target[a[i].text]);
    pieces_before += long(plain[i].source.size()), pieces_after += long(a[i].source.size());
  }
  CHECK(pieces_after > pieces_before * 11 / 10);
  CHECK(same(cut(0.9f, 1, 4), plain) == all);  // none fits into four positions
}

TEST_CASE("pieces: word pieces keep umlauts and guess blanks; a directory without .spm cuts as what was saved") {
  const Pieces pieces = learned("wordpiece");
  CHECK(pieces.size() <= 700);
  CHECK(pieces.text(pieces.target("Wo ist der Bahnhof, bitte?")) == "Wo ist der Bahnhof, bitte?");
  const std::string marks = "I'd like (two) tickets; don't you?";
  const Pieces of_marks = Pieces::learn({marks, marks}, {"wordpiece", 200});
  CHECK(of_marks.text(of_marks.source(marks)) == marks);
  CHECK(pieces.text(pieces.target("Über die Straße")) == "Über die Straße");
  CHECK(pieces.text(pieces.target("so - nicht")) == "so-nicht");  // the blanks are a guess
  CHECK(pieces.came_back(phrases().target) > phrases().size() * 97 / 100);
  CHECK(pieces.came_back({"gut", "so - nicht", "北京"}) == 1);
  CHECK(pieces.target("gut").back() == pieces.end());
  const TemporaryDirectory dir;
  pieces.save(dir.path);
  CHECK(!std::filesystem::exists(dir.path + "/source.spm"));
  const Pieces again = Pieces::load(dir.path);
  CHECK(again.same_ids(pieces));
  CHECK(again.source("Where is the harbour?") == pieces.source("Where is the harbour?"));
  const Pieces lower = learned("wordpiece", true);
  CHECK(lower.text(lower.target("ÜBER")) == "über");
  dir.write("translate.json", "{\"lowercase\": false, \"pieces\": \"letters\"}");
  CHECK(error_of([&] { Pieces::load(dir.path); }) ==
        dir.path + "/translate.json: 'pieces' must be sentencepiece or wordpiece; got 'letters'");
}

TEST_CASE("pairs: an epoch holds every pair once, in steps of about equally many tokens, in an order by the seed") {
  std::vector<Pair> pairs;
  for (int i = 0; i < 97; ++i) pairs.push_back({{i + 1, 0}, std::vector<int>(1 + i % 13, i + 1)});
  for (Pair& p : pairs) p.target.push_back(0);
  const BatchOptions o{.start = 500, .tokens = 40, .accumulate = 2, .seed = 7};
  BatchOptions unshuffled = o;
  unshuffled.shuffled = false;
  Batches batches(pairs, o), same(pairs, o), ordered(pairs, unshuffled);
  CHECK(batches.steps_per_epoch() == (97 + 654 - 6 + 40) / 80);
  std::vector<int> first_order;
  for (int epoch = 0; epoch < 2; ++epoch) {
    std::map<int, int> times;
    std::vector<int> order;
    for (long s = 0; s < batches.steps_per_epoch(); ++s) {
      const long step = epoch * batches.steps_per_epoch() + s;
      double share = 0;
      long tokens = 0;
      for (const Batch& part : batches.parts_at(step)) {
        share += part.share;
        tokens += long(part.target.size());
        for (size_t b = 0; b + 1 < part.input.offsets.size(); ++b) {
          const int from = part.input.offsets[b], to = part.input.offsets[b + 1];
          CHECK(part.input.ids[from] == 500);
          CHECK(part.target[to - 1] == 0);
          for (int t = from; t + 1 < to; ++t) CHECK(part.input.ids[t + 1] == part.target[t]);
          order.push_back(part.source.ids[part.source.offsets[b]]);
          ++times[order.back()];
        }
      }
      CHECK(share == doctest::Approx(1));
      CHECK((tokens > 50 && tokens < 110));
      CHECK(same.parts_at(step)[0].target == batches.parts_at(step)[0].target);
    }
    CHECK(times.size() == 97);
    for (const auto& [pair, n] : times) CHECK(n == 1);
    if (epoch == 0) first_order = order;
    CHECK((epoch == 0 || order != first_order));
  }
  CHECK(ordered.parts_at(0)[0].source.ids[0] == 1);
}

TEST_CASE("pairs: an epoch of other pairs has as many steps, and holds each of them once") {
  std::vector<Pair> pairs;
  for (int i = 0; i < 30; ++i) pairs.push_back({{i + 1, 0}, {i + 1, i + 1, 0}, i});
  const auto longer = [&](long epoch) {
    std::vector<Pair> all = pairs;
    for (Pair& p : all) p.target.insert(p.target.begin(), size_t(epoch), 99);
    return all;
  };
  Batches batches(pairs, {.start = 500, .tokens = 20, .seed = 7, .pairs_of = longer});
  CHECK(batches.steps_per_epoch() == (30 * 3 + 10) / 20);
  for (long epoch = 0; epoch < 4; ++epoch) {
    std::multiset<int> texts;
    long tokens = 0;
    for (long s = 0; s < batches.steps_per_epoch(); ++s)
      for (const Batch& part : batches.parts_at(epoch * batches.steps_per_epoch() + s)) {
        texts.insert(part.texts.begin(), part.texts.end());
        tokens += long(part.target.size());
      }
    CHECK(texts.size() == 30);
    CHECK(std::set<int>(texts.begin(), texts.end()).size() == 30);
    CHECK(tokens == 30 * (3 + epoch));
  }
}

TEST_CASE(
    "pairs: sorted in a window, a part holds pairs of like length, every pair is there once, steps keep no order") {
  std::vector<Pair> pairs;
  for (int i = 0; i < 400; ++i) pairs.push_back({{i + 1, 0}, std::vector<int>(1 + i * 7 % 13, i + 1)});
  BatchOptions o{.start = 500, .tokens = 80, .seed = 7, .window = 10};
  const auto spread = [&](long window) {  // the mean over parts of longest - shortest target
    o.window = window;
    Batches batches(pairs, o);
    double sum = 0;
    std::vector<long> lengths;
    std::map<int, int> times;
    for (long step = 0; step < batches.steps_per_epoch(); ++step)
      for (const Batch& part : batches.parts_at(step)) {
        long least = 100, most = 0, tokens = 0;
        for (size_t b = 0; b < part.texts.size(); ++b) {
          const long length = part.input.offsets[b + 1] - part.input.offsets[b];
          least = std::min(least, length), most = std::max(most, length), tokens += length;
          ++times[part.source.ids[part.source.offsets[b]]];
        }
        CHECK((tokens > 60 && tokens < 100));
        sum += double(most - least) / double(batches.steps_per_epoch());
        lengths.push_back(most);
      }
    CHECK(times.size() == 400);
    for (const auto& [pair, n] : times) CHECK(n == 1);
    CHECK((!window || !std::is_sorted(lengths.begin(), lengths.begin() + 10)));
    return sum;
  };
  CHECK(spread(10) < 3);
  CHECK(spread(0) > 9);
  Batches one(pairs, o), two(pairs, o);
  o.seed = 8;
  o.window = 10;
  Batches other(pairs, o);
  CHECK(one.parts_at(3)[0].target == two.parts_at(3)[0].target);
  CHECK(one.parts_at(3)[0].target != other.parts_at(3)[0].target);
}

TEST_CASE("pairs: no step is without a pair, however long one is, and every pair is there once") {
  std::vector<Pair> pairs;
  for (int i = 0; i < 12; ++i) pairs.push_back({{i + 1, 0}, std::vector<int>(i % 5 == 1 ? 40 : 2, 9), i});
  for (const long tokens : {1, 3, 8, 20})
    for (const int accumulate : {1, 2, 5})
      for (const long window : {0, 3}) {
        Batches batches(pairs, {.start = 500, .tokens = tokens, .accumulate = accumulate, .seed = 7, .window = window});
        for (long epoch = 0; epoch < 3; ++epoch) {
          std::multiset<int> texts;
          for (long s = 0; s < batches.steps_per_epoch(); ++s) {
            const std::vector<Batch> parts = batches.parts_at(epoch * batches.steps_per_epoch() + s);
            CHECK(!parts.empty());
            for (const Batch& part : parts) texts.insert(part.texts.begin(), part.texts.end());
          }
          CHECK(texts.size() == 12);
          CHECK(std::set<int>(texts.begin(), texts.end()).size() == 12);
        }
      }
}

TEST_CASE("pairs: U+FFFD is a character as others; what is not valid UTF-8 is refused") {
  const TemporaryDirectory dir;
  CHECK(read_pairs(dir.write("a.tsv", "a \uFFFD b\teins\n")).source[0] == "a \uFFFD b");
  const std::string mark = dir.write("mark", "a\nb \uFFFD\n"), two = dir.write("two", "eins\nzwei\n");
  CHECK(read_pairs(mark, two).source[1] == "b \uFFFD");
  CHECK(read_texts(mark)[1] == "b \uFFFD");
  const std::string latin = dir.write("latin", "\uFFFD\nb\xE4\n"), says = latin + ":2: the line is not valid UTF-8";
  CHECK(error_of([&] { read_texts(latin); }) == says);
  CHECK(error_of([&] { read_pairs(latin, two); }) == says);
  CHECK(error_of([&] { read_pairs(dir.write("b.tsv", "a\tb\xE4\n")); }) ==
        dir.path + "/b.tsv:1: the line is not valid UTF-8");
}

TEST_CASE("pairs: those that can be translated are those whose source fits") {
  const Pieces pieces = learned("unigram");
  const std::string far = "Where is the station, and when does the next train leave?";
  const Texts texts = pairs_of("No.\tNein.\n" + far + "\tNein.\nNo.\t" + far + "\nYes.\tJa.\n", "x");
  const Texts left = readable(texts, pieces, 10);
  CHECK(left.source == std::vector<std::string>{"No.", "No.", "Yes."});
  CHECK(left.target == std::vector<std::string>{"Nein.", far, "Ja."});
  CHECK(left.where == std::vector<std::string>{"x:1", "x:3", "x:4"});
}

TEST_CASE("pairs: files of two columns and of lines; what is wrong is one line with its place") {
  const TemporaryDirectory dir;
  CHECK(read_pairs(dir.write("a.tsv", "one\teins\ntwo\tzwei\n")).target == std::vector<std::string>{"eins", "zwei"});
  CHECK(error_of([&] { read_pairs(dir.write("b.tsv", "one\teins\ntwo\t \n")); }) ==
        dir.path + "/b.tsv:2: the line is empty; a pair needs both texts");
  CHECK(error_of([&] { read_pairs(dir.write("blank.tsv", "one\t\xC2\xA0\n")); }) ==  // no word in it either
        dir.path + "/blank.tsv:1: the line is empty; a pair needs both texts");
  CHECK(error_of([&] { read_pairs(dir.write("c.tsv", "a\tb\tc\n")); }) ==
        dir.path + "/c.tsv:1: a pair is two texts with a tab between; the line has 3 columns");
  CHECK(read_texts(dir.write("d", "a\n\nb\n")).size() == 3);
  long skipped = 0;
  const Pieces pieces = learned("unigram");
  Texts texts = pairs_of(
      "Where is the station, and when does the next train leave?\tWo ist der Bahnhof, und wann fährt der nächste "
      "Zug?\nNo.\tNein.\n",
      "x");
  CHECK(encode(texts, pieces, 10, &skipped).size() == 1);
  CHECK(skipped == 1);
  CHECK(error_of([&] { encode(texts, pieces, 10); }).starts_with("x:1: "));
}
