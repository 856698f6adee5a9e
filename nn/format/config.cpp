// config.json, in and out; unknown keys are ignored, impossible values refused. Read nn/pretrained.cpp next.
#include "nn/format/config.h"

#include <algorithm>
#include <charconv>

#include "nn/format/json.h"

namespace nn {
namespace {

using nlohmann::json;

template <class T>
void take(const json& from, const char* key, T& to) {
  if (from.contains(key) && !from[key].is_null()) from[key].get_to(to);
}

std::vector<std::string> labels_of(const json& object, const std::string& path) {
  std::vector<std::string> labels;
  if (!object.contains("id2label")) return {"LABEL_0", "LABEL_1"};
  const auto names = object["id2label"].get<std::map<std::string, std::string>>();
  for (size_t i = 0; i < names.size(); ++i) {
    const auto found = names.find(std::to_string(i));
    check(found != names.end(), "{}: id2label has {} names but none for id {}", path, names.size(), i);
    check(!found->second.empty() && std::find(labels.begin(), labels.end(), found->second) == labels.end(),
          "{}: id2label: the name '{}' of id {} is empty or there twice", path, found->second, i);
    labels.push_back(found->second);
  }
  check(!labels.empty(), "{}: id2label has no names", path);
  return labels;
}

long layer_number(const std::string& text, const std::string& path) {
  long layer = -1;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), layer);
  check(error == std::errc() && stop == text.data() + text.size(), "{}: pruned_heads: '{}' is not a layer", path, text);
  return layer;
}

}  // namespace

Config read_config(const std::string& path) {
  Config c;
  try {
    const json object = json::parse(read_file(path), limit_depth<json>(path));
    check(object.is_object(), "{}: a JSON object is needed", path);
    take(object, "model_type", c.model_type);
    take(object, "vocab_size", c.vocab_size);
    take(object, "hidden_size", c.hidden_size);
    take(object, "num_hidden_layers", c.num_hidden_layers);
    take(object, "num_attention_heads", c.num_attention_heads);
    take(object, "bigram_buckets", c.bigram_buckets);
    take(object, "subword_buckets", c.subword_buckets);
    take(object, "length_exponent", c.length_exponent);
    take(object, "intermediate_size", c.intermediate_size);
    take(object, "intermediate_sizes", c.intermediate_sizes);
    take(object, "max_position_embeddings", c.max_position_embeddings);
    take(object, "type_vocab_size", c.type_vocab_size);
    take(object, "hidden_act", c.hidden_act);
    take(object, "hidden_dropout_prob", c.hidden_dropout_prob);
    take(object, "attention_probs_dropout_prob", c.attention_probs_dropout_prob);
    take(object, "classifier_dropout", c.classifier_dropout);
    take(object, "attention_normaliser", c.attention_normaliser);
    take(object, "attention_temperature", c.attention_temperature);
    take(object, "attention_window", c.attention_window);
    take(object, "global_tokens", c.global_tokens);
    take(object, "token_retention", c.token_retention);
    take(object, "retention_bins", c.retention_bins);
    if (object.contains("pruned_heads"))
      for (const auto& [layer, heads] : object["pruned_heads"].items())
        c.pruned_heads[layer_number(layer, path)] = heads.get<std::vector<long>>();
    take(object, "layer_norm_eps", c.layer_norm_eps);
    take(object, "initializer_range", c.initializer_range);
    std::string positions = "absolute";
    take(object, "position_embedding_type", positions);
    check(positions == "absolute", "{}: position_embedding_type '{}' is not supported; absolute is", path, positions);
    c.labels = labels_of(object, path);
  } catch (const json::exception& e) { fail("{}: {}", path, e.what()); }
  c.check_sizes(path);
  return c;
}

std::vector<long> Config::kept_heads(long layer) const {
  std::vector<long> kept;
  const auto gone = pruned_heads.find(layer);
  for (long h = 0; h < num_attention_heads; ++h)
    if (gone == pruned_heads.end() || std::find(gone->second.begin(), gone->second.end(), h) == gone->second.end())
      kept.push_back(h);
  return kept;
}

double Config::reading_dropout() const { return classifier_dropout < 0 ? hidden_dropout_prob : classifier_dropout; }

long Config::heads_of(long layer) const { return long(kept_heads(layer).size()); }

long Config::neurons_of(long layer) const {
  return intermediate_sizes.empty() ? intermediate_size : intermediate_sizes[layer];
}

void Config::check_allocation(const std::string& where) const {
  check(attention_window >= 0 && attention_window <= 1'000'000 && global_tokens >= 1 && global_tokens <= 1'000'000,
        "{}: attention_window must be 0 (none) or more and global_tokens 1 ([CLS]) or more; got {} and {}", where,
        attention_window, global_tokens);
  check(retention_bins >= 0 && retention_bins <= 4096, "{}: retention_bins must be in [0, 4096]; got {}", where,
        retention_bins);
  check(model_type == "bert" || (!attention_window && !retention_bins && token_retention.empty()),
        "{}: windows and token retention are for a BERT; an attention_pool has no layers to spare", where);
  if (token_retention.empty()) return;
  check(!retention_bins, "{}: token_retention and retention_bins exclude each other: a schedule is learned or used",
        where);
  check(long(token_retention.size()) == num_hidden_layers,
        "{}: token_retention must have one share for each of {} layers; got {}", where, num_hidden_layers,
        token_retention.size());
  double before = 1;
  for (const double share : token_retention) {
    check(share > 0 && share <= before,
          "{}: token_retention must be shares in (0, 1] that do not rise: a token that is gone does not come back; got "
          "{} after {}",
          where, share, before);
    before = share;
  }
}

void Config::check_sizes(const std::string& where) const {
  check(model_type == "bert" || model_type == "attention_pool",
        "{}: model_type '{}' is not supported; bert and attention_pool are", where, model_type);
  const auto in_range = [&](const char* key, long value, long low, long high) {
    check(value >= low && value <= high, "{}: {} must be in [{}, {}]; got {}", where, key, low, high, value);
  };
  in_range("vocab_size", vocab_size, 5, 10'000'000);
  in_range("hidden_size", hidden_size, 1, 65'536);
  in_range("num_hidden_layers", num_hidden_layers, 0, 1'000);
  in_range("num_attention_heads", num_attention_heads, 1, 65'536);
  in_range("bigram_buckets", bigram_buckets, 0, 100'000'000);
  in_range("subword_buckets", subword_buckets, 0, 100'000'000);
  in_range("intermediate_size", intermediate_size, 1, 1'000'000);
  check(intermediate_sizes.empty() || long(intermediate_sizes.size()) == num_hidden_layers,
        "{}: intermediate_sizes must have one number for each of {} layers; got {}", where, num_hidden_layers,
        intermediate_sizes.size());
  for (const long size : intermediate_sizes) in_range("intermediate_sizes", size, 1, 1'000'000);
  in_range("max_position_embeddings", max_position_embeddings, 1, 1'000'000);
  in_range("type_vocab_size", type_vocab_size, 1, 1'000);
  check(model_type != "bert" || hidden_size % num_attention_heads == 0,
        "{}: hidden_size {} is not a multiple of num_attention_heads {}", where, hidden_size, num_attention_heads);
  for (const auto& [layer, heads] : pruned_heads) {
    check(layer >= 0 && layer < num_hidden_layers && heads_of(layer) > 0,
          "{}: pruned_heads of layer {} must be of one of the {} layers and leave a head", where, layer,
          num_hidden_layers);
    for (const long h : heads)
      check(h >= 0 && h < num_attention_heads && std::count(heads.begin(), heads.end(), h) == 1,
            "{}: pruned_heads of layer {}: {} must be one of the {} heads, once", where, layer, h, num_attention_heads);
  }
  const auto probability = [&](const char* key, double value) {
    check(value >= 0 && value < 1, "{}: {} must be in [0, 1); got {}", where, key, value);
  };
  probability("hidden_dropout_prob", hidden_dropout_prob);
  probability("attention_probs_dropout_prob", attention_probs_dropout_prob);
  check(classifier_dropout < 1, "{}: classifier_dropout must be below 1; got {}", where, classifier_dropout);
  check(attention_normaliser == "softmax" || attention_normaliser == "sparsemax" || attention_normaliser == "entmax15",
        "{}: attention_normaliser '{}' is not supported; softmax, sparsemax and entmax15 are", where,
        attention_normaliser);
  check(attention_temperature > 0 && attention_temperature < 1e6, "{}: attention_temperature must be positive; got {}",
        where, attention_temperature);
  check(length_exponent >= 0 && length_exponent <= 1, "{}: length_exponent must be in [0, 1]; got {}", where,
        length_exponent);
  check_allocation(where);
  check(layer_norm_eps > 0 && initializer_range >= 0,
        "{}: layer_norm_eps must be positive and initializer_range not negative; got {} and {}", where, layer_norm_eps,
        initializer_range);
  const std::vector<std::string> known{"gelu", "gelu_new", "relu", "silu"};
  check(std::find(known.begin(), known.end(), hidden_act) != known.end(),
        "{}: hidden_act '{}' is not supported; gelu, gelu_new, relu and silu are", where, hidden_act);
}

std::string config_json(const Config& c) {
  nlohmann::ordered_json object{
      {"architectures", {c.model_type == "bert" ? "BertForSequenceClassification" : "AttentionPoolClassifier"}},
      {"model_type", c.model_type},
      {"vocab_size", c.vocab_size},
      {"hidden_size", c.hidden_size},
      {"num_hidden_layers", c.num_hidden_layers},
      {"num_attention_heads", c.num_attention_heads},
      {"intermediate_size", c.intermediate_size},
      {"hidden_act", c.hidden_act},
      {"hidden_dropout_prob", c.hidden_dropout_prob},
      {"attention_probs_dropout_prob", c.attention_probs_dropout_prob},
      {"classifier_dropout", nullptr},
      {"max_position_embeddings", c.max_position_embeddings},
      {"type_vocab_size", c.type_vocab_size},
      {"layer_norm_eps", c.layer_norm_eps},
      {"initializer_range", c.initializer_range},
      {"pad_token_id", 0},
      {"position_embedding_type", "absolute"},
      {"problem_type", "single_label_classification"}};
  if (!c.architecture.empty()) object["architectures"] = {c.architecture};
  if (c.labels.empty()) object.erase("problem_type");
  if (c.classifier_dropout >= 0) object["classifier_dropout"] = c.classifier_dropout;
  if (c.bigram_buckets) object["bigram_buckets"] = c.bigram_buckets;
  if (c.subword_buckets) object["subword_buckets"] = c.subword_buckets;
  if (c.length_exponent != 0) object["length_exponent"] = c.length_exponent;
  if (c.attention_normaliser != "softmax") object["attention_normaliser"] = c.attention_normaliser;
  if (c.attention_temperature != 1) object["attention_temperature"] = c.attention_temperature;
  if (!c.intermediate_sizes.empty()) object["intermediate_sizes"] = c.intermediate_sizes;
  if (c.attention_window) {
    object["attention_window"] = c.attention_window;
    object["global_tokens"] = c.global_tokens;
  }
  if (!c.token_retention.empty()) object["token_retention"] = c.token_retention;
  if (c.retention_bins) object["retention_bins"] = c.retention_bins;
  for (const auto& [layer, heads] : c.pruned_heads)
    if (!heads.empty()) object["pruned_heads"][std::to_string(layer)] = heads;
  for (size_t i = 0; i < c.labels.size(); ++i) {
    object["id2label"][std::to_string(i)] = c.labels[i];
    object["label2id"][c.labels[i]] = i;
  }
  return object.dump(2) + "\n";
}

}  // namespace nn
