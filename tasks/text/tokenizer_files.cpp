// The tokenizer's files, in and out. Read tasks/text/tokenizer_json.h first.
#include "tasks/text/tokenizer_files.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <unordered_map>
#include <utility>

#include "tasks/text/labels.h"
#include "tasks/text/letters.h"
#include "tasks/text/tokenizer_json.h"

namespace text {
namespace {

using engine::check;
using nn::json;
using nn::JsonObject;
using nn::ordered_json;

json object_in(const std::string& path) {
  if (!std::filesystem::exists(path)) return json::object();
  json value = nn::read_json(path);
  check(value.is_object(), "{}: a JSON object is needed", path);
  return value;
}

// The files of one directory, and what they make of a tokenizer, step by step.
class Loader {
 public:
  explicit Loader(const std::string& directory)
      : directory_(directory),
        config_json_(object_in(directory + "/tokenizer_config.json")),
        names_json_(object_in(directory + "/special_tokens_map.json")),
        added_json_(object_in(directory + "/added_tokens.json")),
        config_(config_json_, directory + "/tokenizer_config.json"),
        names_(names_json_, directory + "/special_tokens_map.json"),
        has_vocab_(std::filesystem::exists(directory + "/vocab.txt")),
        has_json_(std::filesystem::exists(directory + "/tokenizer.json")) {}

  LoadedTokenizer load() {
    check_class();
    check(has_vocab_ || has_json_, "{}: neither vocab.txt nor tokenizer.json", directory_);
    const std::string vocab = directory_ + "/vocab.txt", file = directory_ + "/tokenizer.json";
    if (has_json_) file_ = read_tokenizer_json(file);
    if (has_vocab_ && !has_json_) file_.pieces = read_pieces(vocab);
    TokenizerOptions& o = file_.options;
    warnings_ = std::move(file_.warnings);
    read_switches(o);
    read_side();
    read_special_names(o.special);
    read_added();
    if (has_vocab_ && has_json_) check_same(read_pieces(vocab));
    warn_of_capitals(o);
    return {WordPiece(std::move(file_.pieces), o, has_vocab_ ? vocab : file), std::move(warnings_)};
  }

 private:
  void check_class() {
    const json model_json = object_in(directory_ + "/config.json");
    const JsonObject model(model_json, directory_ + "/config.json");
    const std::vector<std::string> bert{"Bert",        "DistilBert", "Electra", "MobileBert",
                                        "SqueezeBert", "ConvBert",   "Lxmert",  "LayoutLM"};
    std::string name;
    model.take("tokenizer_class", name);
    config_.take("tokenizer_class", name);
    generic_ = name == "PreTrainedTokenizerFast" || name == "TokenizersBackend";
    const bool known =
        name.empty() || generic_ || std::any_of(bert.begin(), bert.end(), [&](const std::string& family) {
          return name == family + "Tokenizer" || name == family + "TokenizerFast";
        });
    check(known, "{}: the tokenizer '{}' is not supported; BertTokenizer is, and what cuts texts as it does",
          config_.find("tokenizer_class") ? config_.where() : model.where(), shown(name));
    check(!generic_ || has_json_, "{}: a '{}' is its tokenizer.json, which is not there", config_.where(), name);
    check(!config_.find("auto_map"), "{}: auto_map: a tokenizer with code of its own is not supported",
          config_.where());
    for (const auto& [key, own] :
         {std::pair("word_tokenizer_type", "basic"), {"subword_tokenizer_type", "wordpiece"}}) {
      std::string type = own;
      config_.take(key, type);
      check(type == own, "{}: {} '{}' is not supported; {} is", config_.where(), key, shown(type), own);
    }
    bool basic = true;
    config_.take("do_basic_tokenize", basic);
    check(basic || generic_, "{}: do_basic_tokenize is false: texts that are cut elsewhere are not supported",
          config_.where());
  }

  void read_side() {
    std::string side;
    config_.take("truncation_side", side);
    if (side == "left") warnings_.push_back(cut_at_begin(config_.where()));
  }

  // do_lower_case, strip_accents, tokenize_chinese_chars over what tokenizer.json says.
  void read_switches(TokenizerOptions& o) {
    const TokenizerOptions before = o;
    config_.take("do_lower_case", o.lower_case);
    config_.take("tokenize_chinese_chars", o.chinese_characters);
    if (config_.find("strip_accents")) config_.take("strip_accents", o.strip_accents.emplace());
    if (!has_json_) return;
    const std::string differs = difference(before, o);
    if (differs.empty()) return;
    warnings_.push_back(fmt::format("{} and tokenizer.json differ: {}; {}'s is taken", config_.where(), differs,
                                    generic_ ? "tokenizer.json" : "tokenizer_config.json"));
    if (generic_) o = before;
  }

  // "[UNK]", or {"content": "[UNK]", ...}; in tokenizer_config.json, else in special_tokens_map.json.
  std::string name_of(const char* key) const {
    for (const JsonObject* from : {&config_, &names_})
      if (const json* value = from->find(key)) return added_token(*value, from->where() + ": " + key).content;
    return "";
  }

  void read_special_names(SpecialNames& names) const {
    const auto take = [&](const char* key, std::string& to, const std::optional<std::string>& in_json) {
      const std::string named = name_of(key);
      check(named.empty() || !in_json || named == *in_json, "{}: {} is '{}', in tokenizer.json it is '{}'",
            config_.where(), key, shown(named), shown(in_json.value_or("")));
      to = !named.empty() ? named : in_json.value_or(to);
    };
    take("pad_token", names.pad, {});
    take("unk_token", names.unk, file_.unk);
    take("cls_token", names.cls, file_.cls);
    take("sep_token", names.sep, file_.sep);
    take("mask_token", names.mask, {});
  }

  // One token from one of the files. Of two with one content the first counts, and their ids must agree.
  void add(AddedToken token, const std::string& where) {
    std::vector<AddedToken>& added = file_.options.added;
    const auto [known, fresh] = added_.emplace(token.content, added.size());
    if (fresh) return added.push_back(std::move(token));
    AddedToken& other = added[known->second];
    check(token.id < 0 || other.id < 0 || token.id == other.id,
          "{}: the added token '{}' has id {}, elsewhere it has {}", where, shown(token.content), token.id, other.id);
    if (other.id < 0) other.id = token.id;
  }

  static int id_in(const json& id, const std::string& token, const std::string& where) {
    const bool fits = id.is_number_unsigned() && id.get<uint64_t>() < (1u << 30);
    check(fits, "{}: the added token '{}' needs an id; got {}", where, shown(token), nn::shown_json(id));
    return id.get<int>();
  }

  // Special tokens beside the five: a list, or an object of names and tokens.
  std::vector<AddedToken> further_special() const {
    std::vector<AddedToken> tokens;
    for (const JsonObject* from : {&config_, &names_})
      for (const char* key : {"additional_special_tokens", "extra_special_tokens"})
        if (const json* list = from->find(key)) {
          check(list->is_structured(), "{}: {}: must be a list; got {}", from->where(), key, nn::shown_json(*list));
          for (const json& token : *list) {
            tokens.push_back(added_token(token, from->where() + ": " + key));
            tokens.back().special = true;
          }
        }
    return tokens;
  }

  void read_added() {
    std::vector<AddedToken>& added = file_.options.added;
    for (AddedToken& token : std::exchange(added, {})) add(std::move(token), directory_ + "/tokenizer.json");
    if (const json* decoder = config_.find("added_tokens_decoder")) {
      check(decoder->is_object(), "{}: added_tokens_decoder: must be an object of ids", config_.where());
      for (const auto& [id, value] : decoder->items()) {
        AddedToken token = added_token(value, config_.where());
        const std::optional<int> number = engine::parse_number<int>(id);
        check(number && *number >= 0, "{}: added_tokens_decoder: '{}' is not an id", config_.where(), shown(id));
        token.id = *number;
        add(std::move(token), config_.where());
      }
    }
    const SpecialNames& n = file_.options.special;
    const std::set<std::string> five{n.pad, n.unk, n.cls, n.sep, n.mask};
    std::set<std::string> special = five;
    const std::vector<AddedToken> further = further_special();
    for (const AddedToken& token : further) special.insert(token.content);
    const std::string path = directory_ + "/added_tokens.json";
    for (const auto& [content, id] : added_json_.items()) {
      const bool is_special = special.contains(content);
      add({.content = content, .id = id_in(id, content, path), .special = is_special, .normalized = !is_special}, path);
    }
    for (const AddedToken& token : further) add(token, config_.where());
    check_never_split(five);
    std::erase_if(added, [&](const AddedToken& token) {  // the vocabulary has these itself, and they are special anyway
      return five.contains(token.content) && is_piece(token);
    });
  }

  bool is_piece(const AddedToken& token) const {
    const long pieces = long(file_.pieces.size());
    return token.id < 0 || (token.id < pieces && file_.pieces[token.id] == token.content);
  }

  void check_never_split(const std::set<std::string>& five) const {
    const json* list = config_.find("never_split");
    if (!list || generic_) return;
    check(list->is_array(), "{}: never_split: must be a list of words; got {}", config_.where(), nn::shown_json(*list));
    for (const json& word : *list) {
      const std::string name = word.is_string() ? word.get<std::string>() : "";
      check(five.contains(name) || added_.contains(name),
            "{}: never_split: {} is no added token; words of the text that are never split are not supported",
            config_.where(), nn::shown_json(word));
    }
  }

  // vocab.txt must be what tokenizer.json has; added tokens may stand behind.
  void check_same(const std::vector<std::string>& pieces) const {
    std::vector<std::string> all = file_.pieces;
    for (const AddedToken& token : file_.options.added)
      if (token.id == long(all.size())) all.push_back(token.content);
    const auto [ours, theirs] = std::mismatch(pieces.begin(), pieces.end(), all.begin(), all.end());
    const auto name = [](auto at, auto end) { return at == end ? "none" : "'" + shown(*at) + "'"; };
    check(ours == pieces.end() && pieces.size() >= file_.pieces.size(),
          "{0}/vocab.txt and {0}/tokenizer.json have other pieces: id {1} is {2} and {3}", directory_,
          ours - pieces.begin(), name(ours, pieces.end()), name(theirs, all.end()));
  }

  void warn_of_capitals(const TokenizerOptions& o) {
    if (has_json_ || !o.lower_case || config_.find("do_lower_case")) return;
    if (const long n = with_capitals(file_.pieces))
      warnings_.push_back(
          fmt::format("{}/vocab.txt: {} pieces have capitals, but nothing says that the model is cased, so texts are "
                      "lower-cased; {{\"do_lower_case\": false}} in {} keeps their case",
                      directory_, n, config_.where()));
  }

  const std::string& directory_;
  json config_json_, names_json_, added_json_;
  JsonObject config_, names_;
  bool has_vocab_, has_json_, generic_ = false;
  TokenizerJson file_;
  std::vector<std::string> warnings_;
  std::unordered_map<std::string, size_t> added_;  // contents of file_.options.added, and their places
};

}  // namespace

LoadedTokenizer load_tokenizer(const std::string& directory) { return Loader(directory).load(); }

long with_capitals(const std::vector<std::string>& pieces) {
  return std::count_if(pieces.begin(), pieces.end(), [](const std::string& piece) {
    return !piece.starts_with('[') && !piece.starts_with('<') && lower(piece) != piece;
  });
}

void save_tokenizer(const WordPiece& t, const std::string& directory, int max_length) {
  const SpecialNames& special = t.options().special;
  ordered_json names{{"unk_token", special.unk},
                     {"sep_token", special.sep},
                     {"pad_token", special.pad},
                     {"cls_token", special.cls},
                     {"mask_token", special.mask}};
  ordered_json config{{"tokenizer_class", "BertTokenizer"},
                      {"do_lower_case", t.options().lower_case},
                      {"model_max_length", max_length},
                      {"tokenize_chinese_chars", t.options().chinese_characters},
                      {"strip_accents", nullptr}};
  if (t.options().strip_accents) config["strip_accents"] = *t.options().strip_accents;
  ordered_json behind;  // added_tokens.json
  for (const AddedToken& token : t.options().added) {
    if (token.special && token.id != t.mask_id()) names["additional_special_tokens"].push_back(token.content);
    if (token.id >= t.plain_pieces()) behind[token.content] = token.id;
  }
  config.update(names);
  if (!t.options().added.empty())
    for (const AddedToken& token : all_added(t))
      config["added_tokens_decoder"][std::to_string(token.id)] = flags_of(token);
  nn::write_file(directory + "/special_tokens_map.json", names.dump(2) + "\n");
  nn::write_file(directory + "/tokenizer_config.json", config.dump(2) + "\n");
  nn::write_file(directory + "/tokenizer.json", tokenizer_json(t));
  if (!behind.empty()) nn::write_file(directory + "/added_tokens.json", behind.dump(2) + "\n");
  t.save(directory + "/vocab.txt");  // last: where it is, the others are
}

}  // namespace text
