// An encoder-decoder's config.json and generation_config.json, in and out. Read nn/format/config.cpp first: a BERT's.
#include "nn/format/translation_config.h"

#include <filesystem>

#include "engine/strings.h"
#include "nn/format/config.h"
#include "nn/format/json.h"
#include "nn/format/quantization.h"

namespace nn {
using engine::check;
namespace {

constexpr const char* kPreNorm = "attune_translation";  // model_type of what Hugging Face's Marian cannot compute

void read_sizes(const JsonObject& from, TranslationConfig& c) {
  const std::pair<const char*, long*> numbers[] = {{"vocab_size", &c.vocab_size},
                                                   {"d_model", &c.d_model},
                                                   {"encoder_layers", &c.encoder_layers},
                                                   {"decoder_layers", &c.decoder_layers},
                                                   {"encoder_attention_heads", &c.encoder_attention_heads},
                                                   {"decoder_attention_heads", &c.decoder_attention_heads},
                                                   {"encoder_ffn_dim", &c.encoder_ffn_dim},
                                                   {"decoder_ffn_dim", &c.decoder_ffn_dim},
                                                   {"max_position_embeddings", &c.max_position_embeddings},
                                                   {"pad_token_id", &c.pad_token_id},
                                                   {"eos_token_id", &c.eos_token_id},
                                                   {"decoder_start_token_id", &c.decoder_start_token_id}};
  for (const auto& [key, to] : numbers) {
    *to = -1;
    from.take(key, *to);
    check(*to >= 0, "{}: {} is missing or below 0", from.where(), key);
  }
}

// Keys that make the model another one.
void refuse_others(const JsonObject& from, const TranslationConfig& c) {
  std::string type;
  from.take("model_type", type);
  check(type == "marian" || type == kPreNorm, "{}: model_type '{}' is not a translation model that is read: marian is",
        from.where(), engine::shown(type));
  check(c.normalize_before == (type == kPreNorm), "{}: normalize_before is {} in a model of type {}", from.where(),
        c.normalize_before, type);
  for (const char* key : {"normalize_embedding", "add_final_layer_norm", "add_bias_logits"}) {
    bool on = false;
    from.take(key, on);
    check(!on, "{}: {} is true; it is not supported", from.where(), key);
  }
  for (const char* key : {"tie_word_embeddings", "share_encoder_decoder_embeddings", "static_position_embeddings"}) {
    bool on = true;
    from.take(key, on);
    check(on, "{}: {} is false: tables of their own are not supported", from.where(), key);
  }
  long decoder_vocab_size = c.vocab_size;
  from.take("decoder_vocab_size", decoder_vocab_size);
  check(decoder_vocab_size == c.vocab_size, "{}: decoder_vocab_size {} is not vocab_size {}: the sides share one table",
        from.where(), decoder_vocab_size, c.vocab_size);
}

// Keys of other searches, with the values that say there is none.
void refuse_other_searches(const JsonObject& from) {
  const std::pair<const char*, double> none[] = {{"diversity_penalty", 0},
                                                 {"encoder_no_repeat_ngram_size", 0},
                                                 {"encoder_repetition_penalty", 1},
                                                 {"guidance_scale", 1},
                                                 {"num_beam_groups", 1},
                                                 {"penalty_alpha", 0},
                                                 {"repetition_penalty", 1}};
  for (const auto& [key, is] : none) {
    double value = is;
    from.take(key, value);
    check(value == is, "{}: {} is {}; it is not supported", from.where(), key, value);
  }
  for (const char* key :
       {"begin_suppress_tokens", "constraints", "dola_layers", "exponential_decay_length_penalty", "force_words_ids",
        "forced_decoder_ids", "max_time", "sequence_bias", "stop_strings", "suppress_tokens", "watermarking_config"}) {
    const json* value = from.find(key);  // null is none
    if (!value) continue;
    check(value->is_structured() && value->empty(), "{}: {} is {}; it is not supported", from.where(), key,
          shown_json(*value));
  }
  bool drawn = false;
  from.take("do_sample", drawn);
  check(!drawn, "{}: do_sample is true; that a directory's translations are draws is not supported", from.where());
}

// The ids that a search goes by are those of config.json.
void refuse_other_ids(const JsonObject& from, const TranslationConfig& c) {
  const std::pair<const char*, long> same[] = {{"decoder_start_token_id", c.decoder_start_token_id},
                                               {"eos_token_id", c.eos_token_id},
                                               {"forced_eos_token_id", c.eos_token_id}};
  for (const auto& [key, is] : same) {
    const json* value = from.find(key);
    if (!value) continue;
    const json ids = value->is_array() ? *value : json::array({*value});
    for (const long id : from.numbers(key, ids))
      check(id == is, "{}: {} is {}; another one than {} is not supported", from.where(), key, shown_json(*value), is);
  }
}

// Lengths that count the start token, and those without it, which win.
void read_lengths(const JsonObject& from, TranslationConfig& c) {
  from.take("max_length", c.max_length);
  from.take("min_length", c.min_length);
  const auto without_start = [&](const char* key, long least, long& to) {
    if (!from.find(key)) return false;
    from.take(key, to);
    check(to >= least && to <= 10'000'000, "{}: {} must be in [{}, 10000000]; got {}", from.where(), key, least, to);
    ++to;
    return true;
  };
  without_start("max_new_tokens", 1, c.max_length);
  if (without_start("min_new_tokens", 0, c.min_length))  // at the latest place there may be an end
    c.min_length = std::min(c.min_length, c.max_length - 1);
}

void read_early_stopping(const JsonObject& from, TranslationConfig& c) {
  c.early_stopping = "";
  const json* stop = from.find("early_stopping");
  if (!stop) return;
  check(stop->is_boolean() || *stop == "never", "{}: early_stopping must be false, true or \"never\"; got {}",
        from.where(), shown_json(*stop));
  c.early_stopping = *stop == "never" ? "never" : *stop ? "true" : "false";
}

// What is not said is Hugging Face's default.
void read_generation(const JsonObject& from, TranslationConfig& c) {
  c.num_beams = 1;
  c.max_length = 20;
  from.take("num_beams", c.num_beams);
  from.take("length_penalty", c.length_penalty);
  read_lengths(from, c);
  from.take("no_repeat_ngram_size", c.no_repeat_ngram_size);
  from.take("forced_bos_token_id", c.forced_bos_token_id);
  from.take("renormalize_logits", c.renormalize_logits);
  read_early_stopping(from, c);
  refuse_other_searches(from);
  refuse_other_ids(from, c);
  const json* words = from.find("bad_words_ids");
  if (!words) return;
  check(words->is_array(), "{}: bad_words_ids must be a list of lists; got {}", from.where(), shown_json(*words));
  for (const json& word : *words) {
    const std::vector<long> ids = from.numbers("bad_words_ids", word);
    check(ids.size() == 1, "{}: bad_words_ids: {} is not one token; longer ones are not supported", from.where(),
          shown_json(word));
    c.forbidden.push_back(ids[0]);
  }
}

}  // namespace

void TranslationConfig::check_sizes(const std::string& where) const {
  const std::pair<const char*, long> positive[] = {
      {"vocab_size", vocab_size},           {"d_model", d_model},
      {"encoder_layers", encoder_layers},   {"decoder_layers", decoder_layers},
      {"encoder_ffn_dim", encoder_ffn_dim}, {"decoder_ffn_dim", decoder_ffn_dim}};
  for (const auto& [key, value] : positive)
    check(value >= 1 && value <= 10'000'000, "{}: {} must be in [1, 10000000]; got {}", where, key, value);
  check(max_position_embeddings >= 1 && max_position_embeddings <= 100'000,
        "{}: max_position_embeddings must be in [1, 100000]; got {}", where, max_position_embeddings);
  check(num_beams >= 1 && num_beams <= 1000, "{}: num_beams must be in [1, 1000]; got {}", where, num_beams);
  check(d_model % 2 == 0, "{}: d_model must be even, for sines and cosines; got {}", where, d_model);
  for (const long heads : {encoder_attention_heads, decoder_attention_heads})
    check(heads >= 1 && d_model % heads == 0, "{}: d_model {} must be a multiple of the heads; got {}", where, d_model,
          heads);
  check(max_length >= 2, "{}: max_length must be 2 at least, a start and an end; got {}", where, max_length);
  check(min_length >= 0 && min_length < max_length, "{}: min_length must be from 0 to below max_length {}; got {}",
        where, max_length, min_length);
  check(no_repeat_ngram_size >= 0 && no_repeat_ngram_size <= 100,
        "{}: no_repeat_ngram_size must be in [0, 100]; got {}", where, no_repeat_ngram_size);
  check(forced_bos_token_id >= -1 && forced_bos_token_id < vocab_size && forced_bos_token_id != eos_token_id,
        "{}: forced_bos_token_id: {} must be in the vocabulary of {} and not the end", where, forced_bos_token_id,
        vocab_size);
  const std::pair<const char*, long> ids[] = {{"pad_token_id", pad_token_id},
                                              {"eos_token_id", eos_token_id},
                                              {"decoder_start_token_id", decoder_start_token_id}};
  for (const auto& [key, id] : ids)
    check(id >= 0 && id < vocab_size, "{}: {} must be in [0, vocab_size = {}); got {}", where, key, vocab_size, id);
  for (const long id : forbidden)
    check(id >= 0 && id < vocab_size && id != eos_token_id,
          "{}: bad_words_ids: {} must be in the vocabulary of {} and not the end", where, id, vocab_size);
  for (const double p : {dropout, attention_dropout, activation_dropout})
    check(p >= 0 && p < 1, "{}: a dropout must be in [0, 1); got {}", where, p);
}

TranslationConfig read_translation_config(const std::string& directory) {
  TranslationConfig c;
  const std::string path = directory + "/config.json";
  const json object = read_json(path);
  const JsonObject from(object, path);
  from.take("normalize_before", c.normalize_before);
  read_sizes(from, c);
  refuse_others(from, c);
  c.activation_function = "gelu";  // Hugging Face's defaults, of what need not be there
  c.scale_embedding = false;
  from.take("activation_function", c.activation_function);
  c.activation_function = activation_name(c.activation_function);
  from.take("dropout", c.dropout);
  from.take("attention_dropout", c.attention_dropout);
  from.take("activation_dropout", c.activation_dropout);
  from.take("scale_embedding", c.scale_embedding);
  from.take("init_std", c.init_std);
  c.int8 = reads_int8(from);
  const std::string generation = directory + "/generation_config.json";
  if (std::filesystem::exists(generation)) {
    const json how = read_json(generation);
    read_generation(JsonObject(how, generation), c);
    c.forces_end = how.contains("forced_eos_token_id") && !how["forced_eos_token_id"].is_null();
  } else {
    read_generation(from, c);  // a Marian's own default is to force it
    c.forces_end = !object.contains("forced_eos_token_id") || !object["forced_eos_token_id"].is_null();
  }
  c.check_sizes(path);
  return c;
}

namespace {

void write_generation(const TranslationConfig& c, ordered_json& to) {
  ordered_json words = ordered_json::array();
  for (const long id : c.forbidden) words.push_back({id});
  if (!words.empty()) to["bad_words_ids"] = words;
  to["bos_token_id"] = c.eos_token_id;
  to["decoder_start_token_id"] = c.decoder_start_token_id;
  if (c.early_stopping == "never")
    to["early_stopping"] = "never";
  else if (!c.early_stopping.empty())
    to["early_stopping"] = c.early_stopping == "true";
  to["eos_token_id"] = c.eos_token_id;
  if (c.forced_bos_token_id >= 0) to["forced_bos_token_id"] = c.forced_bos_token_id;
  to["forced_eos_token_id"] = c.forces_end ? ordered_json(c.eos_token_id) : ordered_json();
  to["length_penalty"] = c.length_penalty;
  to["max_length"] = c.max_length;
  if (c.min_length > 0) to["min_length"] = c.min_length;
  if (c.no_repeat_ngram_size > 0) to["no_repeat_ngram_size"] = c.no_repeat_ngram_size;
  to["num_beams"] = c.num_beams;
  to["pad_token_id"] = c.pad_token_id;
  if (c.renormalize_logits) to["renormalize_logits"] = true;
}

}  // namespace

std::string translation_config_json(const TranslationConfig& c) {
  ordered_json o{{"architectures", {c.normalize_before ? "AttuneTranslation" : "MarianMTModel"}},
                 {"model_type", c.normalize_before ? kPreNorm : "marian"},
                 {"activation_dropout", c.activation_dropout},
                 {"activation_function", c.activation_function},
                 {"attention_dropout", c.attention_dropout},
                 {"d_model", c.d_model},
                 {"decoder_attention_heads", c.decoder_attention_heads},
                 {"decoder_ffn_dim", c.decoder_ffn_dim},
                 {"decoder_layers", c.decoder_layers},
                 {"decoder_vocab_size", c.vocab_size},
                 {"dropout", c.dropout},
                 {"encoder_attention_heads", c.encoder_attention_heads},
                 {"encoder_ffn_dim", c.encoder_ffn_dim},
                 {"encoder_layers", c.encoder_layers},
                 {"init_std", c.init_std},
                 {"is_encoder_decoder", true},
                 {"max_position_embeddings", c.max_position_embeddings},
                 {"normalize_before", c.normalize_before},
                 {"normalize_embedding", false},
                 {"num_hidden_layers", c.encoder_layers},
                 {"scale_embedding", c.scale_embedding},
                 {"share_encoder_decoder_embeddings", true},
                 {"static_position_embeddings", true},
                 {"tie_word_embeddings", true},
                 {"vocab_size", c.vocab_size}};
  if (c.int8) o["quantization_config"] = int8_config({});
  write_generation(c, o);
  return o.dump(2) + "\n";
}

std::string generation_config_json(const TranslationConfig& c) {
  ordered_json o = ordered_json::object();
  write_generation(c, o);
  return o.dump(2) + "\n";
}

}  // namespace nn
