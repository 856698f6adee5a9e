// The tokenizer's files: what they say beyond a list of pieces is done, or refused by its name; and nothing of it is
// lost on the way out. Read tasks/text/tokenizer_files.h before.
#include "tasks/text/tokenizer_files.h"
#include "nn/format/json_value.h"

#include <fmt/ranges.h>

#include "nn/format/files.h"
#include "tests/support/support.h"

using namespace text;
using nn::json;
using test::error_of;
using test::TemporaryDirectory;

namespace {

const std::vector<std::string> kColours = {"[PAD]", "[UNK]",  "[CLS]", "[SEP]",  "[MASK]", "a",   "red",
                                           "##s",   "boat",   "Red",   "<",      ">",      "url", "new",
                                           "town",  "\u00e9", "e",     "##boat", "url3",   "."};

std::string vocab_text(std::vector<std::string> pieces = kColours) {
  return fmt::format("{}\n", fmt::join(pieces, "\n"));
}

// A tokenizer.json of kColours; tests change what they are about.
json whole() {
  json vocab;
  for (size_t i = 0; i < kColours.size(); ++i) vocab[kColours[i]] = i;
  return {{"version", "1.0"},
          {"added_tokens", json::array()},
          {"normalizer",
           {{"type", "BertNormalizer"},
            {"clean_text", true},
            {"handle_chinese_chars", true},
            {"strip_accents", nullptr},
            {"lowercase", true}}},
          {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
          {"post_processor", {{"type", "BertProcessing"}, {"sep", {"[SEP]", 3}}, {"cls", {"[CLS]", 2}}}},
          {"model",
           {{"type", "WordPiece"},
            {"unk_token", "[UNK]"},
            {"continuing_subword_prefix", "##"},
            {"max_input_chars_per_word", 100},
            {"vocab", vocab}}}};
}

using Files = std::vector<std::pair<std::string, std::string>>;

void write(const TemporaryDirectory& dir, const Files& files) {
  for (const auto& [name, content] : files) dir.write(name, content);
}

std::string pieces_of(const WordPiece& tokenizer, std::string_view text) {
  return fmt::format("{}", fmt::join(tokenizer.tokenize(text), " "));
}

// What the directory of these files makes of a text; after a round trip it must be the same.
std::string read(const Files& files, std::string_view text) {
  const TemporaryDirectory dir, copy;
  write(dir, files);
  const WordPiece tokenizer = load_tokenizer(dir.path).tokenizer;
  save_tokenizer(tokenizer, copy.path, 64);
  const LoadedTokenizer again = load_tokenizer(copy.path);
  CHECK(again.tokenizer == tokenizer);
  CHECK(again.warnings.empty());
  CHECK(again.tokenizer.encode(text, 64).ids == tokenizer.encode(text, 64).ids);
  std::filesystem::remove(copy.path + "/vocab.txt");  // tokenizer.json alone says the same
  CHECK(load_tokenizer(copy.path).tokenizer == tokenizer);
  return pieces_of(tokenizer, text);
}

std::string refused(const Files& files) {
  const TemporaryDirectory dir;
  write(dir, files);
  const std::string message = error_of([&] { load_tokenizer(dir.path); });
  CHECK(message.find('\n') == std::string::npos);
  return message;
}

void refuses(const Files& files, const std::string& why) {
  const std::string message = refused(files);
  CHECK_MESSAGE(message.find(why) != std::string::npos, why, " -- got: ", message);
}

std::vector<std::string> warnings_of(const Files& files) {
  const TemporaryDirectory dir;
  write(dir, files);
  return load_tokenizer(dir.path).warnings;
}

const std::pair<std::string, std::string> kVocab{"vocab.txt", vocab_text()};

std::pair<std::string, std::string> config(const std::string& content) { return {"tokenizer_config.json", content}; }
std::pair<std::string, std::string> tokenizer(const json& content) { return {"tokenizer.json", content.dump()}; }

}  // namespace

TEST_CASE("tokenizer files: added_tokens.json names tokens that are found whole, with ids behind the vocabulary's") {
  const Files files{kVocab, {"added_tokens.json", R"({"<user>": 21, "<url>": 20})"}};
  CHECK(read(files, "a <url>reds<user>") == "a <url> red ##s <user>");
  CHECK(read(files, "A <URL> boat") == "a <url> boat");  // normalised as the text is
  CHECK(read(files, "<url boat>") == "< url boat >");
  const TemporaryDirectory dir;
  write(dir, files);
  const WordPiece t = load_tokenizer(dir.path).tokenizer;
  CHECK(t.vocab_size() == 22);
  CHECK(t.encode("<url> <user>", 9).ids == std::vector<int>{2, 20, 21, 3});
  CHECK(t.id("<user>") == 21);
  CHECK(!t.is_special(20));
  save_tokenizer(t, dir.path, 64);
  CHECK(nn::read_file(dir.path + "/vocab.txt") == vocab_text());  // without them
  CHECK(json::parse(nn::read_file(dir.path + "/added_tokens.json")) == json{{"<url>", 20}, {"<user>", 21}});
}

TEST_CASE("tokenizer files: added_tokens_decoder and additional_special_tokens are added tokens, too") {
  const Files decoder{kVocab, config(R"({"added_tokens_decoder": {
      "0": {"content": "[PAD]", "special": true}, "20": {"content": "[E1]", "special": true},
      "21": {"content": "New Town", "normalized": false, "single_word": true}}})")};
  CHECK(read(decoder, "[E1]boat[E1] [e1]") == "[E1] boat [E1] [UNK] [UNK] [UNK]");  // special: as it is written only
  CHECK(read(decoder, "New Town new town") == "New Town new town");
  CHECK(read(decoder, "aNew Town, New Towns (New Town)") == "[UNK] town [UNK] new town ##s [UNK] New Town [UNK]");
  const Files further{kVocab, {"special_tokens_map.json", R"({"additional_special_tokens": ["<q>", "url3"]})"}};
  CHECK(read(further, "a<q>url3a") == "a <q> url3 a");  // one is a piece already, one gets the next id
  const TemporaryDirectory dir;
  write(dir, further);
  const WordPiece t = load_tokenizer(dir.path).tokenizer;
  CHECK(t.id("<q>") == 20);
  CHECK(t.is_special(20));
  CHECK(t.is_special(18));
  CHECK(t.decode({5, 20, 8}) == "a boat");
}

TEST_CASE("tokenizer files: of added tokens the leftmost is found, of those the longest") {
  const Files files{kVocab, {"added_tokens.json", R"({"<u": 20, "<url>": 21, "l>": 22})"}};
  CHECK(read(files, "<url><u l>") == "<url> <u l>");
  CHECK(read(files, "<url") == "<u [UNK]");
}

TEST_CASE("tokenizer files: added tokens that contradict the vocabulary are refused") {
  const auto added = [](const std::string& json) { return Files{kVocab, {"added_tokens.json", json}}; };
  refuses(added(R"({"<url>": 22})"), "'<url>' has id 22, but there are only 20 before it");
  refuses(added(R"({"<url>": 7})"), "'<url>' has id 7, which is that of '##s'");
  refuses(added(R"({"boat": 20})"), "'boat' has id 20, but the piece of this name has 8");
  refuses(added(R"({"<url>": -1})"), "needs an id; got -1");
  refuses(added(R"({"<url>": "20"})"), "needs an id; got \"20\"");
  refuses(added(R"({"": 20})"), "an added token is empty");
  refuses({kVocab, config(R"({"added_tokens_decoder": {"x": {"content": "<url>"}}})")}, "'x' is not an id");
  refuses({kVocab, config(R"({"added_tokens_decoder": {"20": {"special": true}}})")}, "has no content");
  refuses({kVocab,
           {"added_tokens.json", R"({"<url>": 20})"},
           config(R"({"added_tokens_decoder": {"20": {"content": "<b>"}, "21": {"content": "<url>"}}})")},
          "'<url>' has id 20, elsewhere it has 21");
}

TEST_CASE("tokenizer files: special tokens of other names") {
  std::vector<std::string> pieces = kColours;
  for (const auto& [at, name] : {std::pair(0, "<pad>"), {1, "<unk>"}, {2, "<s>"}, {3, "</s>"}, {4, "<mask>"}})
    pieces[at] = name;
  const Files files{{"vocab.txt", vocab_text(pieces)},
                    config(R"({"pad_token": "<pad>", "unk_token": "<unk>", "cls_token": {"content": "<s>"},
                               "sep_token": "</s>"})"),
                    {"special_tokens_map.json", R"({"mask_token": {"content": "<mask>", "lstrip": true}})"}};
  CHECK(read(files, "a zz boat") == "a <unk> boat");
  const TemporaryDirectory dir;
  write(dir, files);
  const WordPiece t = load_tokenizer(dir.path).tokenizer;
  CHECK(t.encode("a", 8).ids == std::vector<int>{2, 5, 3});
  CHECK(t.mask_id() == 4);
  refuses({{"vocab.txt", vocab_text(pieces)}}, "no [PAD] among its 20 pieces");
}

TEST_CASE("tokenizer files: tokenizer.json's normaliser is what is done") {
  const auto with = [](const json& normalizer) {
    json file = whole();
    file["normalizer"] = normalizer;
    return Files{tokenizer(file)};
  };
  const json bert = whole()["normalizer"];
  const auto bert_with = [&](const char* key, const json& value) {
    json part = bert;
    part[key] = value;
    return with(part);
  };
  CHECK(read(with(bert), "Red \u00c9") == "red e");
  CHECK(read(bert_with("lowercase", false), "Red red \u00e9") == "Red red \u00e9");
  CHECK(read(bert_with("strip_accents", false), "\u00c9") == "\u00e9");
  CHECK(read(bert_with("handle_chinese_chars", false), "\u4e2da") == "[UNK]");
  CHECK(read(bert_with("clean_text", false), "re\u200bd a\u000bboat") == "[UNK] a boat");
  CHECK(read(with(bert), "re\u200bd a\u000bboat") == "red a ##boat");
  CHECK(read(with(nullptr), "Red \u00e9 re\u200bd") == "Red \u00e9 [UNK]");
  CHECK(read(with({{"type", "Lowercase"}}), "RED \u00c9") == "red \u00e9");
  json cased = bert;
  cased["lowercase"] = false;
  CHECK(read(with({{"type", "Sequence"}, {"normalizers", {cased, {{"type", "Lowercase"}}}}}), "RED \u00c9") ==
        "red \u00e9");
  for (const char* type : {"NFD", "StripAccents", "Replace", "Precompiled"})
    refuses(with({{"type", type}}), fmt::format("normalizer: type '{}' is not supported", type));
  refuses(with({{"type", "Sequence"}, {"normalizers", {bert, {{"type", "NFKC"}}}}}), "type 'NFKC' is not supported");
}

TEST_CASE("tokenizer files: tokenizer.json's other parts are BERT's, or refused with their type") {
  const auto with = [](const char* part, const json& value) {
    json file = whole();
    file[part] = value;
    return Files{tokenizer(file)};
  };
  const auto model_with = [&](const char* key, const json& value) {
    json model = whole()["model"];
    model[key] = value;
    return with("model", model);
  };
  for (const char* type : {"WordLevel", "BPE", "Unigram"})
    refuses(model_with("type", type), fmt::format("its model is of type '{}', which is not supported", type));
  refuses(model_with("continuing_subword_prefix", "@@"), "continuing_subword_prefix '@@' is not supported");
  refuses(model_with("max_input_chars_per_word", 0), "max_input_chars_per_word must be in [1,");
  CHECK(read(model_with("max_input_chars_per_word", 4), "boats boat reds") == "[UNK] boat red ##s");
  refuses(model_with("unk_token", "<unk>"), "no <unk> among its 20 pieces");
  refuses(model_with("vocab", json::array({"a"})), "its vocab must be an object");
  for (const char* type : {"Whitespace", "ByteLevel", "Metaspace"})
    refuses(with("pre_tokenizer", {{"type", type}}), fmt::format("pre_tokenizer: type '{}' is not supported", type));
  refuses(with("pre_tokenizer", nullptr), "pre_tokenizer is missing");
  CHECK(read(with("pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", {{{"type", "BertPreTokenizer"}}}}}),
             "a.") == "a .");
  refuses(with("post_processor", {{"type", "RobertaProcessing"}}), "post_processor: type 'RobertaProcessing'");
  refuses(with("post_processor",
               {{"type", "TemplateProcessing"}, {"single", {{{"Sequence", {{"id", "A"}, {"type_id", 0}}}}}}}),
          "the templates 'A:0' and '' are not BERT's");
  CHECK(warnings_of(with("post_processor", nullptr)).size() == 1);
  json added = whole();
  added["added_tokens"] = {{{"id", 20}, {"content", "<url>"}, {"normalized", false}}};
  CHECK(read({tokenizer(added)}, "a<url>A <URL>") == "a <url> a < url >");
  CHECK(read({kVocab, tokenizer(added)}, "<url>") == "<url>");
  std::vector<std::string> longer = kColours;
  longer.push_back("<url>");
  CHECK(read({{"vocab.txt", vocab_text(longer)}, tokenizer(added)}, "<url>") == "<url>");
  longer[8] = "ship";
  refuses({{"vocab.txt", vocab_text(longer)}, tokenizer(added)}, "have other pieces: id 8 is 'ship' and 'boat'");
}

TEST_CASE(
    "tokenizer files: a post-processor has the vocabulary's ids, and texts that are cut at their begin are said") {
  const auto with = [](const char* part, const json& value) {
    json file = whole();
    file[part] = value;
    return Files{tokenizer(file)};
  };
  const std::string swapped = "post_processor: [CLS] has the id 3, in the vocabulary 2";
  refuses(with("post_processor", {{"type", "BertProcessing"}, {"sep", {"[SEP]", 3}}, {"cls", {"[CLS]", 3}}}), swapped);
  const auto token = [](const char* name) { return json{{"SpecialToken", {{"id", name}, {"type_id", 0}}}}; };
  refuses(with("post_processor",
               {{"type", "TemplateProcessing"},
                {"single", {token("[CLS]"), {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}, token("[SEP]")}},
                {"special_tokens", {{"[CLS]", {{"ids", {3}}}}, {"[SEP]", {{"ids", {3}}}}}}}),
          swapped);
  const std::vector<std::string> cut = warnings_of(with("truncation", {{"direction", "Left"}, {"max_length", 9}}));
  REQUIRE(cut.size() == 1);
  CHECK(cut[0].find("long texts are to lose their begin") != std::string::npos);
  CHECK(warnings_of(with("truncation", {{"direction", "Right"}, {"max_length", 9}})).empty());
  CHECK(warnings_of({tokenizer(whole()), config(R"({"truncation_side": "left"})")}).size() == 1);
}

TEST_CASE("tokenizer files: tokenizer_config.json overrides tokenizer.json, but of a PreTrainedTokenizerFast") {
  const std::string cased = R"("do_lower_case": false, "strip_accents": false)";
  const Files bert{tokenizer(whole()), config("{" + cased + R"(, "tokenizer_class": "BertTokenizerFast"})")};
  const Files generic{tokenizer(whole()), config("{" + cased + R"(, "tokenizer_class": "PreTrainedTokenizerFast"})")};
  const TemporaryDirectory one, other;
  write(one, bert);
  write(other, generic);
  CHECK(pieces_of(load_tokenizer(one.path).tokenizer, "Red") == "Red");
  CHECK(pieces_of(load_tokenizer(other.path).tokenizer, "Red") == "red");
  for (const Files& files : {bert, generic}) {
    CHECK(warnings_of(files).size() == 1);
    CHECK(warnings_of(files)[0].find("lower case true and false") != std::string::npos);
  }
  CHECK(warnings_of({tokenizer(whole()), config(R"({"do_lower_case": true})")}).empty());
}

TEST_CASE("tokenizer files: a tokenizer of another class is refused by its name") {
  const auto of_class = [](const std::string& name) {
    return Files{kVocab, config(R"({"tokenizer_class": ")" + name + "\"}")};
  };
  for (const char* name : {"BertTokenizer", "BertTokenizerFast", "DistilBertTokenizer", "ElectraTokenizerFast"})
    CHECK(read(of_class(name), "reds") == "red ##s");
  for (const char* name : {"BertJapaneseTokenizer", "RobertaTokenizer", "XLMRobertaTokenizerFast", "BertweetTokenizer"})
    refuses(of_class(name), fmt::format("tokenizer_config.json: the tokenizer '{}' is not supported", name));
  refuses(of_class("evil\\u001b[2J"), "the tokenizer 'evil [2J' is not supported");
  refuses({kVocab, {"config.json", R"({"tokenizer_class": "BertJapaneseTokenizer"})"}},
          "/config.json: the tokenizer 'BertJapaneseTokenizer' is not supported");
  refuses(of_class("PreTrainedTokenizerFast"), "is its tokenizer.json, which is not there");
  refuses({kVocab, config(R"({"word_tokenizer_type": "mecab"})")}, "word_tokenizer_type 'mecab' is not supported");
  refuses({kVocab, config(R"({"subword_tokenizer_type": "character"})")}, "subword_tokenizer_type 'character'");
  refuses({kVocab, config(R"({"auto_map": {"AutoTokenizer": ["own.Tokenizer", null]}})")}, "auto_map");
  refuses({kVocab, config(R"({"do_basic_tokenize": false})")}, "do_basic_tokenize is false");
  refuses({kVocab, config(R"({"never_split": ["boats"]})")}, "never_split: \"boats\" is no added token");
  CHECK(read({kVocab, config(R"({"never_split": ["[CLS]"], "do_basic_tokenize": true})")}, "reds") == "red ##s");
  refuses({kVocab, config(R"({"do_lower_case": "no"})")}, "do_lower_case: must be true or false; got \"no\"");
  CHECK(read({kVocab, config(R"({"tokenize_chinese_chars": false, "strip_accents": null})")}, "\u4e2da") == "[UNK]");
}

TEST_CASE("tokenizer files: a vocabulary with capitals and nothing that says its case is a warning") {
  const std::vector<std::string> warnings = warnings_of({kVocab});
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0].find("1 pieces have capitals") != std::string::npos);
  CHECK(warnings[0].find("{\"do_lower_case\": false} in ") != std::string::npos);
  CHECK(warnings_of({kVocab, config("{}")}).size() == 1);
  CHECK(warnings_of({kVocab, config(R"({"do_lower_case": true})")}).empty());
  std::vector<std::string> lower = kColours;
  lower[9] = "[unused1]";
  lower[10] = "<URL>";
  CHECK(warnings_of({{"vocab.txt", vocab_text(lower)}}).empty());
  lower[10] = "##\u00c9";
  CHECK(warnings_of({{"vocab.txt", vocab_text(lower)}}).size() == 1);
}

TEST_CASE(
    "tokenizer files: two tokenizers differ by their pieces or by what they are told, and the latter can be said") {
  TokenizerOptions cased;
  cased.lower_case = false;
  CHECK(!(WordPiece(kColours) == WordPiece(kColours, cased)));
  CHECK(WordPiece(kColours) == WordPiece(kColours));
  CHECK(difference({}, cased) == "lower case true and false, accents stripped true and false");
  TokenizerOptions more;
  more.added = {{.content = "<url>"}};
  more.longest_word = 50;
  CHECK(difference({}, more) == "longest word 100 and 50, added tokens");
  CHECK(difference(more, more).empty());
}
