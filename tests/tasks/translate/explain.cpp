// Which words belong together: those that blanks separate, whatever the pieces.
#include "tasks/translate/explain.h"

#include <set>
#include <sstream>

#include "nn/format/files.h"
#include "nn/format/json_value.h"
#include "tests/support/translator.h"

using namespace test;
using translate::Translation;

namespace {

const std::string kEnglish = "Where is the station, please?", kGerman = "Wo ist der Bahnhof, bitte?";

Pieces pieces_of(const std::vector<std::string>& texts, const std::string& kind) {
  std::vector<std::string> twice = texts;  // a word that is there once is none of a vocabulary
  twice.insert(twice.end(), texts.begin(), texts.end());
  return Pieces::learn(twice, {kind, 80});
}

// The two sides' words of an alignment, "2-0 0-1".
std::pair<std::set<int>, std::vector<int>> sides_of(const std::string& alignment) {
  std::set<int> from;
  std::vector<int> to;
  std::istringstream pairs(alignment);
  for (std::string pair; pairs >> pair;) {
    const size_t middle = pair.find('-');
    from.insert(std::stoi(pair.substr(0, middle)));
    to.push_back(std::stoi(pair.substr(middle + 1)));
  }
  return {from, to};
}

std::pair<std::set<int>, std::vector<int>> aligned(const Translator& t, const std::string& source,
                                                   const std::vector<int>& ids) {
  return sides_of(word_alignment(t, source, Translation{t.pieces.text(ids), 0, ids}));
}

}  // namespace

TEST_CASE("alignment: rows are shares of the source; every target word has a source word") {
  const Pieces pieces = pieces_of({kEnglish, kGerman}, "unigram");
  const Translator t = drawn(pieces, 2, 1, 1, 100);
  const std::string source = kEnglish, target = kGerman;
  const Translation translation{target, 0, pieces.target(target)};
  const Tensor map = t.alignment(pieces.source(source), translation.ids);
  const long S = long(pieces.source(source).size());
  CHECK(map.shape() == Shape({long(translation.ids.size()), S}));
  for (long row = 0; row < map.dim(0); ++row) {
    double total = 0;
    for (long s = 0; s < S; ++s) total += map.data()[row * S + s];
    CHECK(total == doctest::Approx(1).epsilon(1e-4));
  }
  const std::string words = word_alignment(t, source, translation);
  CHECK(std::count(words.begin(), words.end(), '-') == 5);
  CHECK(words.ends_with("-4"));
}

TEST_CASE("alignment: marks and parts of words are no words of word pieces either") {
  const std::string english = "I don't know (yet).", german = "Ich weiß's (noch) nicht.";
  const Translator t = drawn(pieces_of({english, german}, "wordpiece"), 2, 1, 1, 100);
  const std::vector<int> ids = t.pieces.target(german);
  REQUIRE(t.pieces.text(ids) == german);
  const auto [from, to] = aligned(t, english, ids);
  CHECK(to == std::vector<int>{0, 1, 2, 3});
  CHECK(*from.rbegin() <= 3);
}

TEST_CASE("alignment: a piece that the vocabulary lacks stays in its word, and what is written for it is one") {
  const TemporaryDirectory dir;
  const Pieces pieces = pieces_of({kEnglish, kGerman}, "unigram");
  pieces.save(dir.path);
  nn::json vocabulary = nn::json::parse(nn::read_file(dir.path + "/vocab.json"));
  int gone = 0;  // the first piece of the second word
  for (const int id : pieces.target(kGerman))
    if (const std::string& name = pieces.piece(id); !gone && name.starts_with("\u2581") && !name.ends_with("Wo")) {
      gone = id;
      vocabulary.erase(name);
      vocabulary["another"] = id;
    }
  dir.write("vocab.json", vocabulary.dump());
  const Translator t = drawn(Pieces::load(dir.path), 2, 1, 1, 100);
  const std::vector<int> ids = t.pieces.target(kGerman);
  const std::string text = t.pieces.text(ids);
  REQUIRE(text.find("\u2047") != std::string::npos);  // SentencePiece's word for it
  std::istringstream written(text);
  std::vector<int> all;
  for (std::string word; written >> word;) all.push_back(int(all.size()));
  CHECK_MESSAGE(aligned(t, kEnglish, ids).second == all, text);
}

TEST_CASE("alignment: pieces know their words, blanks in front, a language in front and lower case or not") {
  for (const char* kind : {"unigram", "bpe", "wordpiece"}) {
    const Pieces pieces = pieces_of({kEnglish, kGerman}, kind);
    for (const std::string& text :
         std::vector<std::string>{kEnglish, "  " + kEnglish, "Where  is the\tstation, please? "}) {
      const std::vector<int> words = pieces.source_words(text);
      REQUIRE(words.size() == pieces.source(text).size());
      CHECK(words.back() == -1);
      CHECK(std::is_sorted(words.begin(), words.end() - 1));
      CHECK(std::set<int>(words.begin(), words.end() - 1) == std::set<int>{0, 1, 2, 3, 4});
    }
    const std::vector<int> ids = pieces.target(kGerman);
    CHECK(pieces.words(ids) == pieces.source_words(kGerman));
    CHECK(pieces.source_words("") == std::vector<int>{-1});
  }
  const TemporaryDirectory dir;
  pieces_of({kEnglish, kGerman}, "unigram").save(dir.path);
  nn::json vocabulary = nn::json::parse(nn::read_file(dir.path + "/vocab.json"));
  vocabulary[">>de<<"] = vocabulary["<pad>"];
  vocabulary["<pad>"] = vocabulary.size() - 1;
  dir.write("vocab.json", vocabulary.dump());
  const Pieces pieces = Pieces::load(dir.path);
  const std::vector<int> apart = pieces.source_words(">>de<< Where is"), close = pieces.source_words(">>de<<Where is");
  CHECK((apart[0] == 0 && apart[1] == 1 && apart.end()[-2] == 2));
  CHECK((close[0] == 0 && close[1] == 0 && close.end()[-2] == 1));
}
