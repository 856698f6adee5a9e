// The tokenizer's files, in and out. Read tasks/text/wordpiece.h first.
#include "tasks/text/tokenizer_files.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "nn/format/json.h"

namespace text {
namespace {

using engine::check;
using engine::fail;
using nlohmann::json;
using nlohmann::ordered_json;

json parse_file(const std::string& path) {
  try {
    return json::parse(nn::read_file(path), nn::limit_depth<json>(path));
  } catch (const json::exception& e) { fail("{}: {}", path, e.what()); }
}

TokenizerOptions read_options(const std::string& path) {
  TokenizerOptions options;
  if (!std::filesystem::exists(path)) return options;
  const json config = parse_file(path);
  try {
    options.lower_case = config.value("do_lower_case", true);
    options.chinese_characters = config.value("tokenize_chinese_chars", true);
    if (config.contains("strip_accents") && config["strip_accents"].is_boolean())
      options.strip_accents = config["strip_accents"].get<bool>();
  } catch (const json::exception& e) { fail("{}: {}", path, e.what()); }
  return options;
}

std::vector<std::string> pieces_of(const std::string& path) {
  const json file = parse_file(path);
  try {
    const auto& vocab = file.at("model").at("vocab");
    std::vector<std::string> pieces(vocab.size());
    for (const auto& [piece, id] : vocab.items()) {
      const long at = id.get<long>();
      check(at >= 0 && at < long(pieces.size()) && pieces[at].empty(), "{}: piece '{}' has id {} among {} pieces", path,
            piece, at, pieces.size());
      pieces[at] = piece;
    }
    return pieces;
  } catch (const json::exception& e) { fail("{}: not a WordPiece tokenizer: {}", path, e.what()); }
}

// {"type": "TemplateProcessing"}: where [CLS] and [SEP] stand around one text, and around two.
ordered_json post_processor(const WordPiece& t) {
  const auto special = [](const char* name, int type) {
    return ordered_json{{"SpecialToken", {{"id", name}, {"type_id", type}}}};
  };
  const auto sequence = [](const char* name, int type) {
    return ordered_json{{"Sequence", {{"id", name}, {"type_id", type}}}};
  };
  const auto token = [](const char* name, int id) {
    return ordered_json{{"id", name}, {"ids", {id}}, {"tokens", {name}}};
  };
  return {{"type", "TemplateProcessing"},
          {"single", {special("[CLS]", 0), sequence("A", 0), special("[SEP]", 0)}},
          {"pair", {special("[CLS]", 0), sequence("A", 0), special("[SEP]", 0), sequence("B", 1), special("[SEP]", 1)}},
          {"special_tokens", {{"[CLS]", token("[CLS]", t.cls_id())}, {"[SEP]", token("[SEP]", t.sep_id())}}}};
}

ordered_json added_tokens(const WordPiece& t) {
  ordered_json tokens = ordered_json::array();
  for (int id = 0; id < t.vocab_size(); ++id)
    if (t.is_special(id))
      tokens.push_back({{"id", id},
                        {"content", t.piece(id)},
                        {"single_word", false},
                        {"lstrip", false},
                        {"rstrip", false},
                        {"normalized", false},
                        {"special", true}});
  return tokens;
}

ordered_json tokenizer_json(const WordPiece& t) {
  const TokenizerOptions& o = t.options();
  ordered_json vocab = ordered_json::object();
  auto& pairs = vocab.get_ref<ordered_json::object_t&>();  // in the order of ids; looking each up takes seconds
  for (int id = 0; id < t.vocab_size(); ++id) pairs.emplace_back(t.piece(id), id);
  const ordered_json strip = o.strip_accents ? ordered_json(*o.strip_accents) : ordered_json(nullptr);
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", added_tokens(t)},
          {"normalizer",
           {{"type", "BertNormalizer"},
            {"clean_text", true},
            {"handle_chinese_chars", o.chinese_characters},
            {"strip_accents", strip},
            {"lowercase", o.lower_case}}},
          {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
          {"post_processor", post_processor(t)},
          {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
          {"model",
           {{"type", "WordPiece"},
            {"unk_token", "[UNK]"},
            {"continuing_subword_prefix", "##"},
            {"max_input_chars_per_word", 100},
            {"vocab", vocab}}}};
}

}  // namespace

WordPiece load_tokenizer(const std::string& directory) {
  const TokenizerOptions options = read_options(directory + "/tokenizer_config.json");
  const std::string vocab = directory + "/vocab.txt", json = directory + "/tokenizer.json";
  if (std::filesystem::exists(vocab)) return WordPiece::load(vocab, options);
  check(std::filesystem::exists(json), "{}: neither vocab.txt nor tokenizer.json", directory);
  return WordPiece(pieces_of(json), options, json);
}

void save_tokenizer(const WordPiece& t, const std::string& directory, int max_length) {
  const ordered_json names{{"unk_token", "[UNK]"},
                           {"sep_token", "[SEP]"},
                           {"pad_token", "[PAD]"},
                           {"cls_token", "[CLS]"},
                           {"mask_token", "[MASK]"}};
  ordered_json config{{"tokenizer_class", "BertTokenizer"},
                      {"do_lower_case", t.options().lower_case},
                      {"model_max_length", max_length},
                      {"tokenize_chinese_chars", t.options().chinese_characters},
                      {"strip_accents", nullptr}};
  if (t.options().strip_accents) config["strip_accents"] = *t.options().strip_accents;
  config.update(names);
  nn::write_file(directory + "/special_tokens_map.json", names.dump(2) + "\n");
  nn::write_file(directory + "/tokenizer_config.json", config.dump(2) + "\n");
  nn::write_file(directory + "/tokenizer.json", tokenizer_json(t).dump(2) + "\n");
  t.save(directory + "/vocab.txt");  // last: where it is, the others are
}

}  // namespace text
