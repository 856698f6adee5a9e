// Tokens back to the bytes that they were made of. Read tasks/text/places.h before.
#include "tasks/text/places.h"
#include "nn/format/json_value.h"

#include <fmt/ranges.h>

#include <random>

#include "tasks/text/utf8.h"
#include "tests/support/support.h"

using namespace text;
using test::error_of;

namespace {

const std::vector<std::string> kUnaffable = {"[PAD]", "[UNK]",  "[CLS]", "[SEP]", "[MASK]", "un",
                                             "##aff", "##able", "a",     "b",     ".",      "'",
                                             "e",     "##x",    "中",    "文",    "cafe",   "y"};

// "[1,3)un ##aff ..." is hard to read: the bytes of every token, one after another, with its word.
std::string places(const std::string& text, const std::string& pair = "", const TokenizerOptions& options = {},
                   int max_length = 64) {
  const WordPiece tokenizer(kUnaffable, options);
  const Encoding encoding =
      pair.empty() ? tokenizer.encode(text, max_length) : tokenizer.encode_pair(text, pair, max_length);
  std::string list;
  for (const Place& place : places_of(encoding, text, pair, tokenizer)) {
    const std::string& from = place.text ? pair : text;
    list +=
        fmt::format("{}{}'{}'", list.empty() ? "" : " ", place.word, from.substr(place.begin, place.end - place.begin));
  }
  return list;
}

// What of a text no token stands for.
std::string between(const std::string& text, const std::vector<Span>& spans) {
  std::string rest;
  size_t done = 0;
  for (const Span& span : spans) {
    if (span.begin > done) rest += text.substr(done, span.begin - done);
    done = std::max(done, span.end);
  }
  return rest + text.substr(done);
}

void check_spans(const std::string& text, const WordPiece& tokenizer) {
  CAPTURE(text);
  const std::vector<std::string> pieces = tokenizer.tokenize(text);
  const std::vector<Span> spans = tokenizer.spans(text);
  REQUIRE(spans.size() == pieces.size());
  const std::string whole = normalised(text, tokenizer.options());
  for (size_t i = 0; i < spans.size(); ++i) {
    CHECK(spans[i].begin < spans[i].end);
    CHECK(spans[i].end <= text.size());
    CHECK((i == 0 || spans[i].begin >= spans[i - 1].begin));
    const std::string own = text.substr(spans[i].begin, spans[i].end - spans[i].begin);
    CHECK(is_utf8(own));
    std::string piece = pieces[i].starts_with("##") ? pieces[i].substr(2) : pieces[i];
    if (pieces[i] == "[UNK]" || text.find("Σ") != text.npos) continue;  // whose end of a word decides what it is
    CHECK(normalised(own, tokenizer.options()).find(piece) != std::string::npos);
  }
  for (const std::string& word : split_words(between(text, spans), tokenizer.options())) CHECK(word == "");
}

}  // namespace

TEST_CASE("places: a token is the bytes that it was made of, whatever folding did to them") {
  CHECK(places("Unaffable a.") == "0'' 1'Un' 1'aff' 1'able' 2'a' 3'.' 4''");
  CHECK(places("CAFÉ cafe\u0301 b") == "0'' 1'CAFÉ' 2'cafe' 3'b' 4''");  // a mark that is taken away is nobody's
  CHECK(places(" a\u00A0\tb\u200B.") == "0'' 1'a' 2'b' 3'.' 4''");
  CHECK(places("中文b") == "0'' 1'中' 2'文' 3'b' 4''");
  CHECK(places("a unq b") == "0'' 1'a' 2'unq' 3'b' 4''");
  CHECK(places("E\u0301\u200Bx") == "0'' 1'E' 1'x' 2''");
  CHECK(places("") == "0'' 1''");
  TokenizerOptions cased;
  cased.lower_case = false;
  CHECK(places("a A", "", cased) == "0'' 1'a' 2'A' 3''");
}

TEST_CASE("places: of a pair each token is in its own text; of a text that was cut those that are left") {
  CHECK(places("a b", "b unaff") == "0'' 1'a' 2'b' 3'' 4'b' 5'un' 5'aff' 6''");
  CHECK(places("a b . a", "", {}, 4) == "0'' 1'a' 2'b' 3''");
  CHECK(places("a b .", "unaffable", {}, 6) == "0'' 1'a' 2'b' 3'' 4'un' 5''");
}

TEST_CASE("places: special and added tokens are found whole, in the text as it is or as it is folded") {
  TokenizerOptions options;
  options.keep_special = true;
  options.added = {{.content = "New York", .normalized = true}, {.content = "<URL>", .normalized = false}};
  CHECK(places("a[SEP]b", "", options) == "0'' 1'a' 2'[SEP]' 3'b' 4''");
  CHECK(places("a NEW YORK b<URL>.", "", options) == "0'' 1'a' 2'NEW YORK' 3'b' 4'<URL>' 5'.' 6''");
  CHECK(places("中 new york", "", options) == "0'' 1'中' 2'new york' 3''");
}

TEST_CASE("places: every piece is in its bytes, and nothing else is a word, of texts full of Unicode and of noise") {
  std::vector<std::string> texts;
  std::ifstream in("tests/golden/tokenizer/own.jsonl");
  for (std::string line; std::getline(in, line);) texts.push_back(nn::json::parse(line)["text"]);
  CHECK(texts.size() > 100);
  std::mt19937 random(5);
  for (int i = 0; i < 300; ++i) {
    std::string noise;
    for (int n = 0; n < 12; ++n) {
      const char32_t c = random() % 2 ? random() % 0x250 : random() % 0x11000;
      append_utf8(noise, c == 0 || (c >= 0xD800 && c < 0xE000) ? U'a' : c);
    }
    texts.push_back(noise);
  }
  for (const bool lower_case : {true, false})
    for (const bool strip : {true, false})
      for (const bool chinese : {true, false}) {
        TokenizerOptions options;
        options.lower_case = lower_case;
        options.strip_accents = strip;
        options.chinese_characters = chinese;
        options.clean_text = lower_case || strip;
        const WordPiece tokenizer = WordPiece::load("tests/golden/tokenizer/own_vocab.txt", options);
        for (const std::string& text : texts) check_spans(text, tokenizer);
      }
}

TEST_CASE("places: tokens of another text are an error") {
  const WordPiece tokenizer(kUnaffable);
  CHECK(error_of([&] { places_of(tokenizer.encode("a b", 9), "a", "", tokenizer); }) ==
        "places: the tokens are not those of this text");
}
