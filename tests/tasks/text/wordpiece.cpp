// The tokenizer: on a small vocabulary of our own, and on the ids that Hugging Face's tokenizer gave (golden).
// Read tasks/text/wordpiece.h before.
#include "tasks/text/wordpiece.h"
#include "nn/format/json_value.h"

#include <doctest/doctest.h>
#include <fmt/ranges.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <random>

#include "tasks/text/utf8.h"
#include "tests/support/support.h"

using namespace text;

namespace {

const std::vector<std::string> kPieces = {"[PAD]",  "[UNK]", "[CLS]", "[SEP]", "[MASK]", "un",      "##aff",
                                          "##able", "##ly",  "##a",   "a",     "b",      "affair",  "##b",
                                          "##c",    ".",     ",",     "[",     "]",      "sep",     "x",
                                          "##x",    "é",     "##é",   "中",    "unaff",  "[unused]"};

WordPiece small(const TokenizerOptions& options = {}) { return WordPiece(kPieces, options); }

std::string pieces(std::string_view text, const TokenizerOptions& options = {}) {
  return fmt::format("{}", fmt::join(small(options).tokenize(text), " "));
}

std::string words(std::string_view text, const TokenizerOptions& options = {}) {
  return fmt::format("{}", fmt::join(split_words(text, options), "|"));
}

std::string text_of(const WordPiece& tokenizer, const Encoding& encoding) {
  return tokenizer.decode(encoding.ids, false);
}

std::string repeated(const std::string& part, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += part;
  return out;
}

// bert-base-uncased is other people's, so it stays outside: where BERT_VOCAB does not name it, or the golden folder has
// no such file, the case counts as skipped.
bool cannot_compare(const std::string& file) {
  const char* vocabulary = std::getenv("BERT_VOCAB");
  return !vocabulary || !std::filesystem::exists(vocabulary) || !std::filesystem::exists(test::golden_path(file));
}

void check_golden(const std::string& file) {
  REQUIRE_MESSAGE(!cannot_compare(file), "BERT_VOCAB=vocab.txt must name the vocabulary of bert-base-uncased");
  TokenizerOptions options;
  options.keep_special = true;
  const WordPiece tokenizer = WordPiece::load(std::getenv("BERT_VOCAB"), options);
  std::ifstream in(test::golden_path(file));
  int lines = 0;
  for (std::string line; std::getline(in, line); ++lines) {
    const auto expected = nn::json::parse(line);
    const auto text = expected["text"].get<std::string>();
    CAPTURE(text);
    CHECK(nn::json(tokenizer.encode(text, 128).ids).dump() == expected["ids"].dump());
  }
  CHECK(lines > 0);
}

const std::string kUnicode = "tokenizer/unicode.jsonl", kTweets = "tokenizer/tweets.jsonl";

}  // namespace

TEST_CASE("wordpiece: golden ids of texts full of Unicode" * doctest::skip(cannot_compare(kUnicode))) {
  check_golden(kUnicode);
}

TEST_CASE("wordpiece: golden ids of tweets" * doctest::skip(cannot_compare(kTweets))) { check_golden(kTweets); }

TEST_CASE("wordpiece: golden ids with a vocabulary of our own, in four settings of the normaliser") {
  const auto of = [](bool lower_case, std::optional<bool> strip_accents, bool chinese_characters) {
    TokenizerOptions options;
    options.lower_case = lower_case;
    options.strip_accents = strip_accents;
    options.chinese_characters = chinese_characters;
    options.keep_special = true;
    return options;
  };
  const std::map<std::string, TokenizerOptions> settings{{"uncased", of(true, {}, true)},
                                                         {"cased", of(false, {}, true)},
                                                         {"accents", of(true, false, true)},
                                                         {"joined", of(false, true, false)}};
  std::ifstream in("tests/golden/tokenizer/own.jsonl");
  int lines = 0;
  for (std::string line; std::getline(in, line); ++lines) {
    const auto expected = nn::json::parse(line);
    const auto text = expected["text"].get<std::string>();
    CAPTURE(text);
    REQUIRE(expected["ids"].size() == settings.size());
    for (const auto& [name, options] : settings) {
      CAPTURE(name);
      const WordPiece tokenizer = WordPiece::load("tests/golden/tokenizer/own_vocab.txt", options);
      CHECK(nn::json(tokenizer.encode(text, 128).ids).dump() == expected["ids"][name].dump());
    }
  }
  CHECK(lines > 100);
}

TEST_CASE("wordpiece: the longest piece is taken first, then the longest that goes on") {
  CHECK(pieces("unaffable") == "unaff ##able");
  CHECK(pieces("unably") == "un ##a ##b ##ly");
  CHECK(pieces("affair affair.") == "affair affair .");
}

TEST_CASE("wordpiece: a word with a part that no piece matches is one [UNK] as a whole") {
  CHECK(pieces("unq a") == "[UNK] a");
  CHECK(pieces("ab abq b") == "a ##b [UNK] b");
  CHECK(pieces("ly") == "[UNK]");  // ##ly goes on, it does not begin
}

TEST_CASE("wordpiece: a word of 100 code points is cut, one of 101 is unknown") {
  TokenizerOptions accents;
  accents.strip_accents = false;
  CHECK(small().tokenize(repeated("x", 100)).size() == 100);
  CHECK(pieces(repeated("x", 101)) == "[UNK]");
  CHECK(small(accents).tokenize(repeated("é", 100)).size() == 100);
  CHECK(pieces(repeated("é", 101), accents) == "[UNK]");
}

TEST_CASE("split_words: cleans, lower-cases, strips accents, splits punctuation") {
  CHECK(words("Hello,World!How?are(you)") == "hello|,|world|!|how|?|are|(|you|)");
  CHECK(words(" \t\r\n ") == "");
  CHECK(words("don't U.S.A. $5+1=6 ^_`{~") == "don|'|t|u|.|s|.|a|.|$|5|+|1|=|6|^|_|`|{|~");
  CHECK(words("a{b}c|d[e\\f") == "a|{|b|}|c|||d|[|e|\\|f");
  CHECK(words("Naïve CAFÉ e\u0301 Straße") == "naive|cafe|e|straße");
  CHECK(words("“quotes” — …¿") == "“|quotes|”|—|…|¿");
  CHECK(words("10€ ½ ①") == "10€|½|①");  // symbols and numbers are letters here
  CHECK(words("한") == "\u1112\u1161\u11ab");
}

TEST_CASE("split_words: removes control characters, and splits at every kind of space") {
  using namespace std::string_view_literals;
  CHECK(words("a\0b\x01"
              "c\x7F"
              "d\u200Be\u00ADf\uFFFDg\uFEFFh\u0085i"sv) == "abcdefghi");
  CHECK(words("a\u00A0b\u2003c\u3000d\u2028e\u2029f") == "a|b|c|d|e|f");
  CHECK(words("a\u0378b\uE000c") == "abc");  // unassigned, private
}

TEST_CASE("split_words: lower-casing and accents are two settings") {
  TokenizerOptions cased;
  cased.lower_case = false;
  CHECK(words("Él É", cased) == "Él|É");
  cased.strip_accents = true;
  CHECK(words("Él É", cased) == "El|E");
  TokenizerOptions accents;
  accents.strip_accents = false;
  CHECK(words("Él É İ", accents) == "él|é|i\u0307");
}

TEST_CASE("split_words: a capital sigma is final only at the end of a word") {
  CHECK(words("ΟΔΥΣΣΕΥΣ ΣΑΣ. Σ") == "οδυσσευς|σας|.|σ");
  CHECK(words("ΑΣ'Β ΑΣ'") == "ασ|'|β|ας|'");
}

TEST_CASE("split_words: an ideograph is a word of its own unless told otherwise") {
  TokenizerOptions joined;
  joined.chinese_characters = false;
  CHECK(words("abc中文d") == "abc|中|文|d");
  CHECK(words("abc中文d", joined) == "abc中文d");
  CHECK(words("漢字かな") == "漢|字|かな");
  CHECK(words("x\U00020000y\U0002B820z\U0002CEB0") == "x|\U00020000|y|\U0002B820|z\U0002CEB0");
}

TEST_CASE("wordpiece: bytes that are not UTF-8 give what their replacement gives") {
  std::mt19937 random(7);
  const WordPiece tokenizer = small();
  for (int i = 0; i < 2000; ++i) {
    std::string bytes;
    for (int n = 0; n < 12; ++n) bytes += char(random() % 3 ? random() % 256 : 'a' + random() % 3);
    CHECK(tokenizer.encode(bytes, 64).ids == tokenizer.encode(repair_utf8(bytes).text, 64).ids);
  }
}

TEST_CASE("wordpiece: a special token in a text is plain text unless keep_special is set") {
  TokenizerOptions keep;
  keep.keep_special = true;
  CHECK(small().encode("a[SEP]b", 9).ids == std::vector<int>{2, 10, 17, 19, 18, 11, 3});
  CHECK(small(keep).encode("a[SEP]b", 9).ids == std::vector<int>{2, 10, 3, 11, 3});
  CHECK(pieces("[MASK] [PAD][UNK]", keep) == "[MASK] [PAD] [UNK]");
  CHECK(pieces("[sep] [SEP [[SEP]]", keep) == "[ sep ] [ sep [ [SEP] ]");
  CHECK(pieces("[un[SEP]", keep) == "[ un [SEP]");
  CHECK(pieces("[unused]", keep) == "[ [UNK] ]");  // a piece, not a special one
  const WordPiece without_mask({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "["}, keep);
  CHECK(without_mask.encode("[MASK]", 9).ids == std::vector<int>{2, 4, 1, 1, 3});
}

TEST_CASE("encode: cuts from the end, keeps [SEP], and says so") {
  const WordPiece tokenizer = small();
  const Encoding whole = tokenizer.encode("a b , .", 6), cut = tokenizer.encode("a b , .", 5);
  CHECK(text_of(tokenizer, whole) == "[CLS] a b , . [SEP]");
  CHECK(!whole.truncated);
  CHECK(text_of(tokenizer, cut) == "[CLS] a b , [SEP]");
  CHECK(cut.truncated);
  CHECK(cut.types == std::vector<int>(5, 0));
  CHECK(text_of(tokenizer, tokenizer.encode("a", 2)) == "[CLS] [SEP]");
  CHECK(text_of(tokenizer, tokenizer.encode("", 8)) == "[CLS] [SEP]");
  CHECK_THROWS_AS(tokenizer.encode("a", 1), engine::Error);
}

TEST_CASE("encode_pair: the first [SEP] belongs to the first text") {
  const Encoding pair = small().encode_pair("a b", ". ,", 16);
  CHECK(text_of(small(), pair) == "[CLS] a b [SEP] . , [SEP]");
  CHECK(pair.types == std::vector<int>{0, 0, 0, 0, 1, 1, 1});
  CHECK(!pair.truncated);
}

TEST_CASE("encode_pair: the longer text loses a piece first, on a tie the second one") {
  const WordPiece tokenizer = small();
  const auto cut = [&](const char* a, const char* b, int n) {
    return text_of(tokenizer, tokenizer.encode_pair(a, b, n));
  };
  CHECK(cut("a b a b", ". ,", 8) == "[CLS] a b a [SEP] . , [SEP]");
  CHECK(cut("a b a b", ". ,", 7) == "[CLS] a b [SEP] . , [SEP]");
  CHECK(cut("a b a b", ". ,", 6) == "[CLS] a b [SEP] . [SEP]");
  CHECK(cut("a", ". , . ,", 6) == "[CLS] a [SEP] . , [SEP]");
  CHECK(cut("a", ". , . ,", 4) == "[CLS] a [SEP] [SEP]");
  CHECK(cut("a", ".", 3) == "[CLS] [SEP] [SEP]");
  CHECK(tokenizer.encode_pair("a", ".", 4).truncated);
  CHECK_THROWS_AS(tokenizer.encode_pair("a", "b", 2), engine::Error);
}

TEST_CASE("decode: joins pieces to words, and leaves special tokens out when told to") {
  const WordPiece tokenizer = small();
  const Encoding encoding = tokenizer.encode("Unaffable, abc.", 16);
  CHECK(tokenizer.decode(encoding.ids) == "unaffable , abc .");
  CHECK(tokenizer.decode(encoding.ids, false) == "[CLS] unaffable , abc . [SEP]");
  CHECK(tokenizer.decode({}) == "");
  CHECK(tokenizer.decode({2, 9, 9}) == "##aa");  // nothing to join the first one to
  CHECK_THROWS_AS(tokenizer.decode({27}), engine::Error);
}

TEST_CASE("wordpiece: every piece has its index as id, any other string the id of [UNK]") {
  const WordPiece tokenizer = small();
  for (int i = 0; i < tokenizer.vocab_size(); ++i) CHECK(tokenizer.id(tokenizer.piece(i)) == i);
  CHECK(tokenizer.id("able") == 1);
  CHECK(tokenizer.id("##") == 1);
  CHECK(fmt::format("{} {} {} {} {}", tokenizer.pad_id(), tokenizer.unk_id(), tokenizer.cls_id(), tokenizer.sep_id(),
                    tokenizer.mask_id()) == "0 1 2 3 4");
  CHECK(tokenizer.is_special(4));
  CHECK(!tokenizer.is_special(5));
  CHECK(WordPiece({"[PAD]", "[UNK]", "[CLS]", "[SEP]"}).mask_id() == -1);
}

TEST_CASE("wordpiece: a copy outlives what it was copied from") {
  auto original = std::make_unique<WordPiece>(kPieces);
  const WordPiece copy = *original;
  original.reset();
  CHECK(copy.encode("unaffable", 9).ids == std::vector<int>{2, 25, 7, 3});
}

TEST_CASE("wordpiece: a saved vocabulary is loaded again, with \\r\\n and a byte-order mark too") {
  const test::TemporaryDirectory directory;
  small().save(directory.path + "/vocab.txt");
  CHECK(WordPiece::load(directory.path + "/vocab.txt").pieces() == kPieces);
  const std::string dos = directory.write("dos.txt", "\uFEFF[PAD]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\na");
  CHECK(WordPiece::load(dos).pieces() == std::vector<std::string>{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "a"});
  CHECK_THROWS_AS(small().save(directory.path + "/none/vocab.txt"), engine::Error);
}

TEST_CASE("wordpiece: a bad vocabulary is refused in one sentence") {
  const test::TemporaryDirectory directory;
  const auto refused = [&](const std::string& bytes) {
    const std::string path = directory.write("vocab.txt", bytes);
    return test::error_of([&] { WordPiece::load(path); }).substr(directory.path.size() + 1);
  };
  CHECK(refused("") == "vocab.txt: the file is empty");
  CHECK(refused("[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\na\n") == "vocab.txt:7: piece 'a' is there already, on line 5");
  CHECK(refused("[PAD]\n[UNK]\n[CLS]\n[SEP]\n##a\n##a") == "vocab.txt:6: piece '##a' is there already, on line 5");
  CHECK(refused("[PAD]\n[CLS]\n[SEP]\n") ==
        "vocab.txt: no [UNK] among its 3 pieces; is this the vocabulary of a BERT?");
  CHECK(refused("[PAD]\n\n[CLS]") == "vocab.txt:2: an empty line is no piece");
  CHECK(refused("[PAD]\n\xFF\n") == "vocab.txt: not UTF-8, so no vocabulary");
  for (const char* missing : {"[PAD]", "[UNK]", "[CLS]", "[SEP]"}) {
    std::vector<std::string> kept = kPieces;
    kept.erase(std::find(kept.begin(), kept.end(), missing));
    CHECK(test::error_of([&] { WordPiece{kept}; }).starts_with(fmt::format("vocabulary: no {} among", missing)));
  }
  CHECK(test::error_of([&] { WordPiece::load(directory.path); }) == directory.path + ": a directory, not a file");
  CHECK(test::error_of([] { WordPiece::load("no/vocab.txt"); }) ==
        "no/vocab.txt: cannot be read: No such file or directory");
}
