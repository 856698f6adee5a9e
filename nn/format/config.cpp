// config.json, in and out: what it says is done or refused. Read nn/format/pretrained.cpp next.
#include "nn/format/config.h"

#include <algorithm>

#include "engine/strings.h"
#include "nn/format/json.h"
#include "nn/format/quantization.h"

namespace nn {
using namespace engine;
namespace {

using Keys = std::vector<std::string>;

constexpr long kMostLabels = 100'000;

// A class's name: a string, or what a program made of other labels: 0 is "0", true is "true"; null is nobody's name.
std::string label_name(const JsonObject& from, const std::string& id, const json& value) {
  check(value.is_primitive() && !value.is_null(), "{}: id2label: the name of id {} must be a string; got {}",
        from.where(), shown(id), shown_json(value));
  const std::string name = value.is_string() ? value.get<std::string>() : value.dump();
  const bool obeyed = std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < ' ' || c == 127; });
  check(!obeyed, "{}: id2label: the name '{}' of id {} holds a control character", from.where(), shown(name),
        shown(id));
  return name;
}

void check_distinct(const std::vector<std::string>& labels, const JsonObject& from) {
  std::map<std::string, size_t> ids;
  for (size_t i = 0; i < labels.size(); ++i) {
    check(!labels[i].empty(), "{}: id2label: the name '' of id {} is empty or there twice", from.where(), i);
    const auto [at, fresh] = ids.emplace(labels[i], i);
    check(fresh, "{}: id2label: the name '{}' of id {} is empty or there twice: id {} has it", from.where(),
          shown(labels[i]), i, at->second);
  }
}

std::vector<std::string> numbered_labels(long count) {
  std::vector<std::string> labels;
  for (long i = 0; i < count; ++i) labels.push_back(fmt::format("LABEL_{}", i));
  return labels;
}

// {"0": "negative", ...}; or, without it, label2id the other way round; or LABEL_0 ... as num_labels says; or two of
// them.
std::vector<std::string> labels_of(const JsonObject& from) {
  long count = 2;
  from.take("num_labels", count);
  check(count >= 1 && count <= kMostLabels, "{}: num_labels must be in [1, {}]; got {}", from.where(), kMostLabels,
        count);
  const json *names = from.find("id2label"), *ids = from.find("label2id");
  const char* key = names ? "id2label" : "label2id";
  if (!names && !ids) return numbered_labels(count);
  const json& map = names ? *names : *ids;
  check(map.is_object(), "{}: {}: must be an object; got {}", from.where(), key, shown_json(map));
  check(!map.empty(), "{}: {} has no names", from.where(), key);
  check(long(map.size()) <= kMostLabels, "{}: {}: {} labels; at most {} are read", from.where(), key, map.size(),
        kMostLabels);
  std::vector<std::string> labels(map.size());
  std::vector<bool> known(map.size());
  for (const auto& [left, right] : map.items()) {
    const std::optional<size_t> id = parse_number<size_t>(names ? left : right.dump());
    check(id.has_value(), "{}: {}: ids are whole numbers from 0; got {}", from.where(), key,
          names ? shown(left) : shown_json(right));
    if (*id >= labels.size() || known[*id]) continue;  // then another one has none
    known[*id] = true;
    labels[*id] = names ? label_name(from, left, right) : label_name(from, shown_json(right), json(left));
  }
  for (size_t i = 0; i < labels.size(); ++i)
    check(known[i], "{}: {} has {} names but none for id {}", from.where(), key, labels.size(), i);
  check_distinct(labels, from);
  return labels;
}

void read_pruned_heads(const JsonObject& from, Config& c) {
  const json* layers = from.find("pruned_heads");
  if (!layers) return;
  check(layers->is_object(), "{}: pruned_heads: must be an object of layers; got {}", from.where(),
        shown_json(*layers));
  for (const auto& [layer, heads] : layers->items()) {
    const std::optional<long> number = parse_number<long>(layer);
    check(number.has_value(), "{}: pruned_heads: '{}' is not a layer", from.where(), shown(layer));
    c.pruned_heads[*number] = from.numbers("pruned_heads", heads);
  }
}

// Keys that make the model another one.
void refuse_others(const JsonObject& from, const Config& c) {
  for (const char* key : {"is_decoder", "add_cross_attention", "is_encoder_decoder"}) {
    bool on = false;
    from.take(key, on);
    check(!on, "{}: {} is true: a model that writes, not an encoder; it is not supported", from.where(), key);
  }
  long embedding_size = c.hidden_size;
  from.take("embedding_size", embedding_size);
  check(embedding_size == c.hidden_size,
        "{}: embedding_size {} is not hidden_size {}: a projection between them is not supported", from.where(),
        embedding_size, c.hidden_size);
  check(!from.find("auto_map"), "{}: auto_map: a model with code of its own is not supported", from.where());
  std::string positions = "absolute";
  from.take("position_embedding_type", positions);
  check(positions == "absolute", "{}: position_embedding_type '{}' is not supported; absolute is", from.where(),
        shown(positions));
}

std::string architecture_of(const JsonObject& from) {
  const json* names = from.find("architectures");
  if (!names || names->empty()) return "";
  check(names->is_array() && names->front().is_string(), "{}: architectures: must be a list of names; got {}",
        from.where(), shown_json(*names));
  return names->front().get<std::string>();
}

void check_pruned_heads(const Config& c, const std::string& where) {
  for (const auto& [layer, heads] : c.pruned_heads) {
    check(layer >= 0 && layer < c.num_hidden_layers && c.heads_of(layer) > 0,
          "{}: pruned_heads of layer {} must be of one of the {} layers and leave a head", where, layer,
          c.num_hidden_layers);
    std::vector<bool> seen(c.num_attention_heads);
    for (const long h : heads) {
      check(h >= 0 && h < c.num_attention_heads && !seen[h],
            "{}: pruned_heads of layer {}: {} must be one of the {} heads, once", where, layer, h,
            c.num_attention_heads);
      seen[h] = true;
    }
  }
}

// What is one of several names.
void check_names(const Config& c, const std::string& where) {
  const auto is_one_of = [](const Keys& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  check(is_one_of(
            {"", "single_label_classification", "multi_label_classification", "regression", "ordinal_classification"},
            c.problem_type),
        "{}: problem_type '{}' is none of single_label_classification, multi_label_classification, regression, "
        "ordinal_classification",
        where, shown(c.problem_type));
  check(is_one_of({"softmax", "sparsemax", "entmax15"}, c.attention_normaliser),
        "{}: attention_normaliser '{}' is not supported; softmax, sparsemax and entmax15 are", where,
        shown(c.attention_normaliser));
  check(is_one_of({"gelu", "gelu_new", "relu", "silu", "tanh"}, c.hidden_act),
        "{}: hidden_act '{}' is not supported; gelu, gelu_new, relu, silu and tanh are", where, shown(c.hidden_act));
}

}  // namespace

Config read_config(const std::string& path) {
  Config c;
  const json object = read_json(path);
  const JsonObject from(object, path);
  c.architecture = architecture_of(from);
  from.take("model_type", c.model_type);
  check(from.find("model_type") || c.architecture.empty() || c.architecture.starts_with("Bert"),
        "{}: architectures '{}' without a model_type is not supported; bert and attention_pool are", path,
        shown(c.architecture));
  from.take("problem_type", c.problem_type);
  from.take("vocab_size", c.vocab_size);
  from.take("hidden_size", c.hidden_size);
  from.take("num_hidden_layers", c.num_hidden_layers);
  from.take("num_attention_heads", c.num_attention_heads);
  from.take("bigram_buckets", c.bigram_buckets);
  from.take("subword_buckets", c.subword_buckets);
  from.take("length_exponent", c.length_exponent);
  from.take("intermediate_size", c.intermediate_size);
  from.take("intermediate_sizes", c.intermediate_sizes);
  from.take("max_position_embeddings", c.max_position_embeddings);
  from.take("type_vocab_size", c.type_vocab_size);
  if (const json* pad = from.find("pad_token_id"); pad && pad->is_number_integer()) c.pad_token_id = pad->get<long>();
  from.take("tie_word_embeddings", c.tie_word_embeddings);
  from.take("hidden_act", c.hidden_act);
  from.take("hidden_dropout_prob", c.hidden_dropout_prob);
  from.take("attention_probs_dropout_prob", c.attention_probs_dropout_prob);
  from.take("classifier_dropout", c.classifier_dropout);
  from.take("attention_normaliser", c.attention_normaliser);
  from.take("attention_temperature", c.attention_temperature);
  from.take("attention_window", c.attention_window);
  from.take("global_tokens", c.global_tokens);
  from.take("token_retention", c.token_retention);
  from.take("retention_bins", c.retention_bins);
  from.take("layer_norm_eps", c.layer_norm_eps);
  from.take("initializer_range", c.initializer_range);
  c.hidden_act = activation_name(c.hidden_act);
  check(c.model_type == "bert" || c.model_type == "attention_pool",  // before its keys are judged as theirs
        "{}: model_type '{}' is not supported; bert and attention_pool are", path, shown(c.model_type));
  read_pruned_heads(from, c);
  refuse_others(from, c);
  c.int8 = reads_int8(from);
  c.labels = labels_of(from);
  c.check_sizes(path);
  return c;
}

Config::Problem Config::problem() const {
  if (problem_type.empty()) return labels.size() == 1 ? Problem::regression : Problem::single_label;
  return problem_type == "regression"                   ? Problem::regression
         : problem_type == "multi_label_classification" ? Problem::multi_label
         : problem_type == "ordinal_classification"     ? Problem::ordinal
                                                        : Problem::single_label;
}

void Config::check_classifies(const std::string& where) const {
  const std::pair<const char*, const char*> others[] = {
      {"TokenClassification", "labels words, not texts"},
      {"QuestionAnswering", "finds passages, no labels of texts"},
      {"MultipleChoice", "picks one of several texts"},
      {"NextSentencePrediction", "tells whether one text follows another"},
      {"LMHeadModel", "writes text, it gives it no label"},
      {"CausalLM", "writes text, it gives it no label"}};
  for (const auto& [ending, what] : others)
    check(!architecture.ends_with(ending),
          "{}: architectures: a {} {}; its encoder can be trained further, with a new head (--new-head)", where,
          shown(architecture), what);
}

std::vector<long> Config::kept_heads(long layer) const {
  std::vector<bool> gone(num_attention_heads);
  if (const auto found = pruned_heads.find(layer); found != pruned_heads.end())
    for (const long h : found->second)
      if (h >= 0 && h < num_attention_heads) gone[h] = true;
  std::vector<long> kept;
  for (long h = 0; h < num_attention_heads; ++h)
    if (!gone[h]) kept.push_back(h);
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
        "{}: model_type '{}' is not supported; bert and attention_pool are", where, shown(model_type));
  check_names(*this, where);
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
  check_pruned_heads(*this, where);
  const auto probability = [&](const char* key, double value) {
    check(value >= 0 && value < 1, "{}: {} must be in [0, 1); got {}", where, key, value);
  };
  probability("hidden_dropout_prob", hidden_dropout_prob);
  probability("attention_probs_dropout_prob", attention_probs_dropout_prob);
  check(classifier_dropout < 1, "{}: classifier_dropout must be below 1; got {}", where, classifier_dropout);
  check(attention_temperature > 0 && attention_temperature < 1e6, "{}: attention_temperature must be positive; got {}",
        where, attention_temperature);
  check(length_exponent >= 0 && length_exponent <= 1, "{}: length_exponent must be in [0, 1]; got {}", where,
        length_exponent);
  check_allocation(where);
  check(layer_norm_eps > 0 && initializer_range >= 0,
        "{}: layer_norm_eps must be positive and initializer_range not negative; got {} and {}", where, layer_norm_eps,
        initializer_range);
}

std::string config_json(const Config& c) {
  ordered_json object{
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
      {"pad_token_id", c.pad_token_id},
      {"position_embedding_type", "absolute"},
      {"problem_type", "single_label_classification"}};
  if (!c.architecture.empty()) object["architectures"] = {c.architecture};
  if (c.problem() == Config::Problem::regression) object["problem_type"] = "regression";
  if (c.problem() == Config::Problem::multi_label) object["problem_type"] = "multi_label_classification";
  if (c.problem() == Config::Problem::ordinal) object["problem_type"] = "ordinal_classification";
  if (c.labels.empty() || c.architecture == "BertForTokenClassification") object.erase("problem_type");
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
  if (c.int8)
    object["quantization_config"] = int8_config(
        {"re:^(classifier|projection|pool|cls|heads|bert[.]pooler)([.].*)?$", "re:.*token_type_embeddings$"});
  for (size_t i = 0; i < c.labels.size(); ++i) {
    object["id2label"][std::to_string(i)] = c.labels[i];
    object["label2id"][c.labels[i]] = i;
  }
  return object.dump(2) + "\n";
}

std::string activation_name(const std::string& name) {
  if (name == "gelu_python") return "gelu";
  if (name == "gelu_fast" || name == "gelu_pytorch_tanh" || name == "gelu_accurate") return "gelu_new";
  return name == "swish" ? "silu" : name;
}

}  // namespace nn
