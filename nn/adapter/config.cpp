// adapter_config.json, in and out, and which modules it means. Read nn/adapter/config.h first; nn/format/json.h reads.
#include "nn/adapter/config.h"

#include <fnmatch.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <regex>
#include <set>

#include "engine/strings.h"
#include "nn/format/json.h"

namespace nn {
namespace {

using engine::check;
using engine::fail;

bool ends_module(const std::string& name, const std::string& end) { return name == end || name.ends_with("." + end); }

bool has_wildcard(const std::string& target) { return target.find_first_of("*?[") != std::string::npos; }

// In time that grows with both and no faster, whatever the pattern: libstdc++'s other way to match takes 2^n for
// (a*)*b. It walks into a pattern's brackets by calling itself, hence the longest.
bool matches(const std::string& text, const std::string& pattern) {
  constexpr size_t kLongest = 1000;
  check(pattern.size() <= kLongest, "adapter: a regular expression of {} bytes; at most {} are read", pattern.size(),
        kLongest);
  for (size_t at = pattern.find('\\'); at < pattern.size(); at = pattern.find('\\', at + 2)) {
    const char c = at + 1 < pattern.size() ? pattern[at + 1] : '.';  // a letter that means the same in Python, or none
    check(
        !std::isalnum(static_cast<unsigned char>(c)) || std::string_view("dDsSwWbBnrtfv").find(c) != std::string::npos,
        "adapter: '{}': \\{} is Python's own; write the expression without it", engine::shown(pattern), c);
  }
  try {
    return std::regex_match(text, std::regex(pattern, std::regex::ECMAScript | std::regex_constants::__polynomial));
  } catch (const std::regex_error&) { fail("adapter: '{}' is no regular expression", engine::shown(pattern)); }
}

struct KindName {
  AdapterKind kind;
  const char *name, *peft_type;
};
// The first and the fourth are peft's; the others, which peft has not, are named as it would.
constexpr KindName kKinds[] = {{AdapterKind::lora, "lora", "LORA"},
                               {AdapterKind::houlsby, "houlsby", "HOULSBY"},
                               {AdapterKind::pfeiffer, "pfeiffer", "PFEIFFER"},
                               {AdapterKind::prefix, "prefix", "PREFIX_TUNING"},
                               {AdapterKind::bitfit, "bitfit", "BITFIT"}};

const KindName& entry_of(AdapterKind kind) {
  return *std::find_if(std::begin(kKinds), std::end(kKinds), [&](const KindName& k) { return k.kind == kind; });
}

// Keys that change nothing that is computed from the stored weights; what takes() reads.
const std::set<std::string> kPassed{"auto_mapping",        "revision",          "inference_mode",
                                    "megatron_core",       "megatron_config",   "peft_version",
                                    "fan_in_fan_out",      "loftq_config",      "qalora_group_size",
                                    "token_dim",           "num_layers",        "num_attention_heads",
                                    "encoder_hidden_size", "prefix_projection", "num_transformer_submodules"};
const std::set<std::string> kTaken{"peft_type",           "base_model_name_or_path",
                                   "task_type",           "r",
                                   "lora_alpha",          "lora_dropout",
                                   "use_rslora",          "use_dora",
                                   "target_modules",      "bias",
                                   "layers_to_transform", "layers_pattern",
                                   "rank_pattern",        "alpha_pattern",
                                   "modules_to_save",     "width",
                                   "num_virtual_tokens",  "init_lora_weights"};

bool says_nothing(const json& value) {
  return value.is_null() || value == false || ((value.is_object() || value.is_array()) && value.empty()) || value == "";
}

std::vector<std::string> names_of(const char* key, const json& list, const std::string& where) {
  std::vector<std::string> names;
  check(list.is_array(), "{}: '{}' must be a list of names; got {}", where, key, shown_json(list));
  for (const json& name : list) {
    check(name.is_string(), "{}: '{}' must be a list of names; got {}", where, key, shown_json(list));
    names.push_back(name.get<std::string>());
  }
  return names;
}

// In the order of the file, which decides where two patterns fit.
template <class T>
void take_patterns(const char* key, const ordered_json& object, const std::string& where,
                   std::vector<std::pair<std::string, T>>& to) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return;
  check(found->is_object(), "{}: '{}' must be an object of numbers; got {}", where, key, shown_json(*found));
  for (const auto& [name, value] : found->items()) {
    const bool fits = std::is_same_v<T, long> ? value.is_number_integer() : value.is_number();
    check(fits && value.template get<double>() > 0, "{}: '{}': '{}' must be a positive {}; got {}", where, key,
          engine::shown(name), std::is_same_v<T, long> ? "whole number" : "number", shown_json(value));
    to.emplace_back(name, value.template get<T>());
  }
}

void take_targets(const JsonObject& object, AdapterConfig& c) {
  const json* targets = object.find("target_modules");
  if (!targets) return void(c.targets = {"query", "value"});  // as peft has it for a BERT
  if (targets->is_string())
    c.target_pattern = targets->get<std::string>();
  else
    c.targets = names_of("target_modules", *targets, object.where());
}

void take_layers(const JsonObject& object, AdapterConfig& c) {
  if (const json* layers = object.find("layers_to_transform")) {
    if (layers->is_array())
      c.layers = object.numbers("layers_to_transform", *layers);
    else
      c.layers = object.numbers("layers_to_transform", json::array({*layers}));
  }
  const json* pattern = object.find("layers_pattern");
  check(!pattern || says_nothing(*pattern) || *pattern == "layer" || *pattern == json{"layer"},
        "{}: layers_pattern {} is not supported; the layers of a BERT are 'layer'", object.where(),
        pattern ? shown_json(*pattern) : "");
}

void take_lora(const JsonObject& object, const ordered_json& ordered, AdapterConfig& c) {
  c.alpha = 8;  // peft's
  object.take("r", c.rank);
  object.take("lora_alpha", c.alpha);
  object.take("lora_dropout", c.dropout);
  object.take("use_rslora", c.stabilised);
  object.take("use_dora", c.dora);
  object.take("bias", c.bias);
  check(c.bias == "none" || c.bias == "all" || c.bias == "lora_only", "{}: bias must be none, all or lora_only; got {}",
        object.where(), engine::shown(c.bias));
  check(c.dropout >= 0 && c.dropout < 1, "{}: lora_dropout must be in [0, 1); got {}", object.where(), c.dropout);
  check(std::isfinite(c.alpha), "{}: lora_alpha must be a number; got {}", object.where(), c.alpha);
  const json* init = object.find("init_lora_weights");
  check(!init || init->is_boolean() || *init == "gaussian",
        "{}: init_lora_weights {} changes the base model's weights; that is not supported", object.where(),
        init ? shown_json(*init) : "");
  take_targets(object, c);
  take_layers(object, c);
  take_patterns("rank_pattern", ordered, object.where(), c.rank_pattern);
  take_patterns("alpha_pattern", ordered, object.where(), c.alpha_pattern);
}

AdapterKind kind_of(const JsonObject& object) {
  std::string type, known;
  object.take("peft_type", type);
  check(!type.empty(), "{}: no peft_type: not the configuration of an adapter", object.where());
  for (const KindName& kind : kKinds) {
    if (type == kind.peft_type) return kind.kind;
    known += (known.empty() ? "" : ", ") + std::string(kind.peft_type);
  }
  fail("{}: peft_type '{}' is not supported; these are: {}", object.where(), engine::shown(type), known);
}

// 3 of "bert.encoder.layer.3.output.dense".
std::optional<long> layer_of(const std::string& module) {
  const std::string before = ".layer.";
  const size_t at = module.rfind(before), begin = at + before.size();
  const size_t end = at == std::string::npos ? at : module.find('.', begin);
  return end == std::string::npos ? std::nullopt : engine::parse_number<long>(module.substr(begin, end - begin));
}

}  // namespace

const char* name_of(AdapterKind kind) { return entry_of(kind).name; }

std::string module_of(const std::string& parameter) {
  const size_t dot = parameter.rfind('.');
  return dot == std::string::npos ? "" : parameter.substr(0, dot);
}

bool AdapterConfig::targets_module(const std::string& module) const {
  if (kind != AdapterKind::lora || saves_module(module)) return false;
  if (!layers.empty()) {
    const std::optional<long> layer = layer_of(module);
    if (!layer || std::find(layers.begin(), layers.end(), *layer) == layers.end()) return false;
  }
  if (target_pattern == "all-linear") return module.find(".encoder.") != std::string::npos;
  if (!target_pattern.empty()) return matches(module, target_pattern);
  return std::any_of(targets.begin(), targets.end(), [&](const std::string& target) {
    return has_wildcard(target) ? fnmatch(target.c_str(), module.c_str(), 0) == 0 : ends_module(module, target);
  });
}

// Where a name stands for all that is below it: "pooler" for "bert.pooler.dense".
bool AdapterConfig::saves_module(const std::string& module) const {
  for (const std::string& saved : modules_to_save)
    for (std::string above = module; !above.empty(); above = module_of(above))
      if (ends_module(above, saved)) return true;
  return false;
}

namespace {

// As peft: the value of the first pattern that is the module's name, or its end behind a dot.
template <class T>
T of_pattern(const std::vector<std::pair<std::string, T>>& patterns, const std::string& module, T otherwise) {
  for (const auto& [pattern, value] : patterns)
    if (matches(module, "(.*\\.)?(" + pattern + ")")) return value;
  return otherwise;
}

}  // namespace

long AdapterConfig::rank_of(const std::string& module) const { return of_pattern(rank_pattern, module, rank); }

double AdapterConfig::scaling_of(const std::string& module) const {
  const double a = of_pattern(alpha_pattern, module, alpha), r = double(rank_of(module));
  return stabilised ? a / std::sqrt(r) : a / r;
}

AdapterConfig read_adapter_config(const std::string& path) {
  const std::string text = read_regular_file(path);
  const json parsed = parse_json(text, path);
  const JsonObject object(parsed, path);
  AdapterConfig c;
  c.kind = kind_of(object);
  object.take("base_model_name_or_path", c.base);
  object.take("task_type", c.task_type);
  if (const json* modules = object.find("modules_to_save"))
    c.modules_to_save = names_of("modules_to_save", *modules, path);
  if (c.task_type == "SEQ_CLS" || c.task_type == "TOKEN_CLS")  // as peft does
    for (const char* head : {"classifier", "score"})
      if (std::find(c.modules_to_save.begin(), c.modules_to_save.end(), head) == c.modules_to_save.end())
        c.modules_to_save.push_back(head);
  if (c.kind == AdapterKind::lora) take_lora(object, parse_ordered_json(text, path), c);
  if (c.kind == AdapterKind::bitfit) c.bias = "all";
  object.take(c.kind == AdapterKind::prefix ? "num_virtual_tokens" : "width", c.rank);
  check(c.rank > 0, "{}: the {} must be at least 1; got {}", path,
        c.kind == AdapterKind::lora     ? "rank r"
        : c.kind == AdapterKind::prefix ? "num_virtual_tokens"
                                        : "width",
        c.rank);
  for (const auto& [key, value] : parsed.items())
    check(kTaken.count(key) || kPassed.count(key) || says_nothing(value),
          "{}: '{}' is {}: what that would change is not known here", path, engine::shown(key), shown_json(value));
  return c;
}

namespace {

void add_lora(ordered_json& j, const AdapterConfig& c) {
  j["r"] = c.rank;
  j["lora_alpha"] = c.alpha == std::floor(c.alpha) ? ordered_json(long(c.alpha)) : ordered_json(c.alpha);
  j["lora_dropout"] = c.dropout;
  if (c.target_pattern.empty())
    j["target_modules"] = c.targets;
  else
    j["target_modules"] = c.target_pattern;
  j["bias"] = c.bias;
  j["fan_in_fan_out"] = false;
  j["init_lora_weights"] = true;
  j["use_rslora"] = c.stabilised;
  j["use_dora"] = c.dora;
  j["rank_pattern"] = j["alpha_pattern"] = ordered_json::object();
  for (const auto& [name, rank] : c.rank_pattern) j["rank_pattern"][name] = rank;
  for (const auto& [name, alpha] : c.alpha_pattern) j["alpha_pattern"][name] = alpha;
  j["layers_to_transform"] = c.layers.empty() ? ordered_json() : ordered_json(c.layers);
  j["layers_pattern"] = nullptr;
}

}  // namespace

std::string adapter_config_json(const AdapterConfig& c) {
  ordered_json j{{"peft_type", entry_of(c.kind).peft_type}};
  j["task_type"] = c.task_type.empty() ? ordered_json() : ordered_json(c.task_type);
  j["base_model_name_or_path"] = c.base;
  j["revision"] = nullptr;
  j["inference_mode"] = true;
  if (c.kind == AdapterKind::lora) add_lora(j, c);
  if (c.kind == AdapterKind::prefix) {
    j["num_virtual_tokens"] = c.rank;
    j["prefix_projection"] = false;
  }
  if (c.kind == AdapterKind::houlsby || c.kind == AdapterKind::pfeiffer) j["width"] = c.rank;
  const auto implied = [](const std::string& module) { return module == "classifier" || module == "score"; };
  const bool said = c.kind != AdapterKind::prefix ||  // peft's has no such key, and takes a classifier without it
                    !std::all_of(c.modules_to_save.begin(), c.modules_to_save.end(), implied);
  if (said) j["modules_to_save"] = c.modules_to_save;
  return j.dump(2) + "\n";
}

}  // namespace nn
