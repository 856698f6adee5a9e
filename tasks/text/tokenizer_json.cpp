// tokenizer.json to a WordPiece's pieces and options, and back. Read tasks/text/wordpiece.h first.
#include "tasks/text/tokenizer_json.h"

#include <algorithm>

#include "engine/strings.h"

namespace text {
namespace {

using engine::check;
using engine::shown;
using nn::json;
using nn::JsonObject;
using nn::ordered_json;

std::string type_of(const JsonObject& part) {
  std::string type;
  part.take("type", type);
  return type;
}

void read_model(const JsonObject& file, TokenizerJson& to) {
  const json* value = file.find("model");
  check(value, "{}: not a WordPiece tokenizer: it has no model", file.where());
  const JsonObject model(*value, file.where() + ": model");
  const std::string type = type_of(model);  // older files leave it out
  check(type == "WordPiece" || (type.empty() && model.find("continuing_subword_prefix")),
        "{}: not a WordPiece tokenizer: its model is of type '{}', which is not supported", file.where(), shown(type));
  std::string prefix = "##";
  model.take("continuing_subword_prefix", prefix);
  check(prefix == "##", "{}: continuing_subword_prefix '{}' is not supported; ## is", model.where(), shown(prefix));
  model.take("max_input_chars_per_word", to.options.longest_word);
  check(to.options.longest_word >= 1 && to.options.longest_word <= 1'000'000,
        "{}: max_input_chars_per_word must be in [1, 1000000]; got {}", model.where(), to.options.longest_word);
  std::string unk;
  model.take("unk_token", unk);
  if (!unk.empty()) to.unk = unk;
  const json* vocab = model.find("vocab");
  check(vocab && vocab->is_object(), "{}: not a WordPiece tokenizer: its vocab must be an object of pieces and ids",
        file.where());
  to.pieces.resize(vocab->size());
  for (const auto& [piece, id] : vocab->items()) {
    const bool fits = id.is_number_unsigned() && id.get<uint64_t>() < to.pieces.size() && !piece.empty();
    check(fits && to.pieces[id.get<size_t>()].empty(), "{}: piece '{}' has id {} among {} pieces", file.where(),
          shown(piece), nn::shown_json(id), to.pieces.size());
    to.pieces[id.get<size_t>()] = piece;
  }
}

// BertNormalizer, Lowercase, several of these in a row, or none at all.
void read_normalizer(const json& value, const std::string& where, TokenizerOptions& to) {
  const JsonObject normalizer(value, where);
  const std::string type = type_of(normalizer);
  if (type == "Sequence") {
    const json* list = normalizer.find("normalizers");
    check(list && list->is_array(), "{}: normalizers must be a list", where);
    for (const json& part : *list) read_normalizer(part, where, to);
    return;
  }
  if (type == "Lowercase") {
    if (!to.strip_accents) to.strip_accents = to.lower_case;  // as it stood without this
    to.lower_case = true;
    return;
  }
  check(type == "BertNormalizer", "{}: type '{}' is not supported; BertNormalizer and Lowercase are", where,
        shown(type));
  TokenizerOptions own;
  normalizer.take("clean_text", own.clean_text);
  normalizer.take("handle_chinese_chars", own.chinese_characters);
  normalizer.take("lowercase", own.lower_case);
  bool strips = own.lower_case;
  normalizer.take("strip_accents", strips);
  const bool stripped = to.strip_accents.value_or(to.lower_case);
  const bool plain = !to.lower_case && !stripped && !to.clean_text && !to.chinese_characters;
  to.clean_text = to.clean_text || own.clean_text;
  to.chinese_characters = to.chinese_characters || own.chinese_characters;
  to.lower_case = to.lower_case || own.lower_case;
  if (plain && !normalizer.find("strip_accents"))
    to.strip_accents.reset();
  else
    to.strip_accents = stripped || strips;
}

void read_normalizer(const JsonObject& file, TokenizerOptions& to) {
  to.clean_text = to.chinese_characters = to.lower_case = false;  // what no normalizer does
  to.strip_accents = false;
  if (const json* normalizer = file.find("normalizer")) read_normalizer(*normalizer, file.where() + ": normalizer", to);
}

void check_pre_tokenizer(const JsonObject& file) {
  const std::string where = file.where() + ": pre_tokenizer";
  const json* value = file.find("pre_tokenizer");
  check(value, "{} is missing: texts would not be cut at spaces; BertPreTokenizer is supported", where);
  const JsonObject part(*value, where);
  const std::string type = type_of(part);
  const json* list = part.find("pretokenizers");
  if (type == "Sequence" && list && list->is_array() && list->size() == 1) {
    const std::string only = type_of(JsonObject(list->front(), where));
    return check(only == "BertPreTokenizer", "{}: type '{}' is not supported; BertPreTokenizer is", where, shown(only));
  }
  check(type == "BertPreTokenizer", "{}: type '{}' is not supported; BertPreTokenizer is", where, shown(type));
}

// "[CLS]:0 A:0 [SEP]:0", of a template's list.
std::string template_of(const json& list, const std::string& where) {
  check(list.is_array(), "{}: a template must be a list; got {}", where, nn::shown_json(list));
  std::string text;
  for (const json& item : list) {
    check(item.is_object() && item.size() == 1, "{}: a template holds a special token or a sequence; got {}", where,
          nn::shown_json(item));
    const JsonObject part(*item.begin(), where);
    std::string id;
    long type = 0;
    part.take("id", id);
    part.take("type_id", type);
    text += fmt::format("{}{}:{}", text.empty() ? "" : " ", id, type);
  }
  return text;
}

// The post-processor puts ids, not names: they are those of the vocabulary, or another tokenizer's.
void check_id(const std::string& where, const std::string& name, const json& id, const TokenizerJson& to) {
  const auto piece = std::find(to.pieces.begin(), to.pieces.end(), name);
  if (piece == to.pieces.end()) return;  // an added token, whose id is looked at there
  const long known = piece - to.pieces.begin();
  check(id == json(known), "{}: {} has the id {}, in the vocabulary {}", where, shown(name), nn::shown_json(id), known);
}

// The names of [CLS] and [SEP] in ["[CLS]", 2].
std::string processed_name(const JsonObject& part, const char* key, const TokenizerJson& to) {
  const json* pair = part.find(key);
  check(pair && pair->is_array() && pair->size() == 2 && pair->front().is_string(), "{}: {} must be a token and its id",
        part.where(), key);
  const std::string name = pair->front().get<std::string>();
  check_id(part.where(), name, pair->back(), to);
  return name;
}

// "special_tokens": {"[CLS]": {"ids": [2], ...}, ...}
void check_ids(const JsonObject& part, const TokenizerJson& to) {
  const json* tokens = part.find("special_tokens");
  if (!tokens || !tokens->is_object()) return;
  for (const auto& [name, token] : tokens->items()) {
    const json* ids = JsonObject(token, part.where()).find("ids");
    if (ids && ids->is_array() && ids->size() == 1) check_id(part.where(), name, ids->front(), to);
  }
}

void read_post_processor(const JsonObject& file, TokenizerJson& to) {
  const std::string where = file.where() + ": post_processor";
  const json* value = file.find("post_processor");
  if (!value) return to.warnings.push_back(where + " is missing: texts are read between [CLS] and [SEP] all the same");
  const JsonObject part(*value, where);
  const std::string type = type_of(part);
  if (type == "BertProcessing") {
    to.cls = processed_name(part, "cls", to);
    to.sep = processed_name(part, "sep", to);
    return;
  }
  check(type == "TemplateProcessing", "{}: type '{}' is not supported; TemplateProcessing and BertProcessing are",
        where, shown(type));
  const json *single = part.find("single"), *pair = part.find("pair");
  const std::string one = single ? template_of(*single, where) : "", two = pair ? template_of(*pair, where) : "";
  const size_t text = one.find(":0 A:0 ");
  const bool known = text != one.npos && one.ends_with(":0");
  if (known) {
    to.cls = one.substr(0, text);
    to.sep = one.substr(text + 7, one.size() - text - 9);
  }
  const bool bert = known && to.cls->find(' ') == std::string::npos && to.sep->find(' ') == std::string::npos &&
                    (two.empty() || two == fmt::format("{}:0 A:0 {}:0 B:1 {}:1", *to.cls, *to.sep, *to.sep));
  check(bert, "{}: the templates '{}' and '{}' are not BERT's, [CLS] A [SEP] B [SEP]", where, shown(one), shown(two));
  check_ids(part, to);
}

// {"type": "TemplateProcessing"}: where [CLS] and [SEP] stand around one text, and around two.
ordered_json post_processor(const WordPiece& t) {
  const std::string &cls = t.piece(t.cls_id()), &sep = t.piece(t.sep_id());
  const auto special = [](const std::string& name, int type) {
    return ordered_json{{"SpecialToken", {{"id", name}, {"type_id", type}}}};
  };
  const auto sequence = [](const char* name, int type) {
    return ordered_json{{"Sequence", {{"id", name}, {"type_id", type}}}};
  };
  const auto token = [](const std::string& name, int id) {
    return ordered_json{{"id", name}, {"ids", {id}}, {"tokens", {name}}};
  };
  return {{"type", "TemplateProcessing"},
          {"single", {special(cls, 0), sequence("A", 0), special(sep, 0)}},
          {"pair", {special(cls, 0), sequence("A", 0), special(sep, 0), sequence("B", 1), special(sep, 1)}},
          {"special_tokens", {{cls, token(cls, t.cls_id())}, {sep, token(sep, t.sep_id())}}}};
}

ordered_json normalizer(const TokenizerOptions& o) {
  return {{"type", "BertNormalizer"},
          {"clean_text", o.clean_text},
          {"handle_chinese_chars", o.chinese_characters},
          {"strip_accents", o.strip_accents ? ordered_json(*o.strip_accents) : ordered_json(nullptr)},
          {"lowercase", o.lower_case}};
}

}  // namespace

std::string cut_at_begin(const std::string& where) {
  return where + ": long texts are to lose their begin; here they lose their end, as --long says";
}

AddedToken added_token(const json& value, const std::string& where) {
  AddedToken token;
  if (value.is_string()) return {.content = value.get<std::string>(), .special = true, .normalized = false};
  const JsonObject object(value, where + ": an added token");
  object.take("content", token.content);
  check(!token.content.empty(), "{}: an added token has no content", where);
  object.take("special", token.special);
  token.normalized = !token.special;
  object.take("normalized", token.normalized);
  object.take("single_word", token.single_word);
  object.take("lstrip", token.lstrip);
  object.take("rstrip", token.rstrip);
  return token;
}

ordered_json flags_of(const AddedToken& token) {
  return {{"content", token.content}, {"single_word", token.single_word}, {"lstrip", token.lstrip},
          {"rstrip", token.rstrip},   {"normalized", token.normalized},   {"special", token.special}};
}

std::vector<AddedToken> all_added(const WordPiece& t) {
  std::vector<AddedToken> all = t.options().added;
  for (const int id : {t.pad_id(), t.unk_id(), t.cls_id(), t.sep_id(), t.mask_id()})
    if (id >= 0 && std::none_of(all.begin(), all.end(), [&](const AddedToken& token) { return token.id == id; }))
      all.push_back({.content = t.piece(id), .id = id, .special = true, .normalized = false});
  std::sort(all.begin(), all.end(), [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
  return all;
}

TokenizerJson read_tokenizer_json(const std::string& path) {
  const json value = nn::read_json(path);
  const JsonObject file(value, path);
  TokenizerJson result;
  read_model(file, result);
  read_normalizer(file, result.options);
  check_pre_tokenizer(file);
  read_post_processor(file, result);
  if (const json* cut = file.find("truncation")) {
    std::string side;
    JsonObject(*cut, path + ": truncation").take("direction", side);
    if (side == "Left") result.warnings.push_back(cut_at_begin(path));
  }
  const json* added = file.find("added_tokens");
  if (!added) return result;
  check(added->is_array(), "{}: added_tokens must be a list; got {}", path, nn::shown_json(*added));
  for (const json& item : *added) {
    AddedToken token = added_token(item, path);
    long id = -1;
    JsonObject(item, path).take("id", id);
    check(id >= 0 && id <= 1L << 30, "{}: the added token '{}' needs an id; got {}", path, shown(token.content), id);
    token.id = int(id);
    result.options.added.push_back(std::move(token));
  }
  return result;
}

std::string tokenizer_json(const WordPiece& t) {
  ordered_json added = ordered_json::array(), vocab = ordered_json::object();
  for (const AddedToken& token : all_added(t)) {
    ordered_json entry{{"id", token.id}};
    entry.update(flags_of(token));
    added.push_back(std::move(entry));
  }
  auto& pairs = vocab.members();  // in the order of ids; looking each up takes seconds
  for (int id = 0; id < t.plain_pieces(); ++id) pairs.push_back({t.piece(id), id});
  const ordered_json file{{"version", "1.0"},
                          {"truncation", nullptr},
                          {"padding", nullptr},
                          {"added_tokens", added},
                          {"normalizer", normalizer(t.options())},
                          {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
                          {"post_processor", post_processor(t)},
                          {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
                          {"model",
                           {{"type", "WordPiece"},
                            {"unk_token", t.piece(t.unk_id())},
                            {"continuing_subword_prefix", "##"},
                            {"max_input_chars_per_word", t.options().longest_word},
                            {"vocab", vocab}}}};
  return file.dump(2) + "\n";
}

}  // namespace text
