// Where each kind of adapter goes in a model. Read nn/adapter/lora.h, bottleneck.h, nn/attention.h first: formulas.
#include "nn/adapter/attach.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "engine/strings.h"
#include "nn/adapter/lora.h"

namespace nn {
namespace {

constexpr real kDeviation = 0.02;  // of first values of bottlenecks and prefixes

// The tables of embeddings that an adapter may be added to: a BERT's.
std::vector<Embedding*> tables_of(Model& model) {
  Bert* bert = model.encoder.bert();
  return bert ? bert->embeddings.tables() : std::vector<Embedding*>();
}
std::vector<Embedding*> tables_of(EncoderDecoder&) { return {}; }

// Error: a table that is read as a weight, too: what is added to its rows would be missing there.
void check_table(const Model& model, const std::string& module) {
  const bool tied =
      std::any_of(model.heads.begin(), model.heads.end(), [](const Head& h) { return h.masked_lm.has_value(); });
  check(!tied || !module.ends_with("word_embeddings"),
        "adapter: '{}' is the masked language model's weight, too; it takes no low-rank addition", module);
}
void check_table(const EncoderDecoder&, const std::string&) {}

// What targets may name, for an error: the last parts of the modules' names, each once, and one name as a whole.
template <class M>
std::string some_modules(M& model) {
  std::vector<std::string> names, ends;
  model.for_each_linear([&](Linear& layer) { names.push_back(module_of(layer.bias.name())); });
  for (const Embedding* table : tables_of(model)) names.push_back(module_of(table->weight.name()));
  for (const std::string& name : names) {
    const std::string end = name.substr(name.rfind('.') + 1);
    if (std::find(ends.begin(), ends.end(), end) == ends.end()) ends.push_back(end);
  }
  return fmt::format("{}; one is {}", fmt::join(ends, ", "), names.empty() ? "none" : names[0]);
}

template <class M>
Scope scope_at(M& model, const std::string& module) {
  return {model.params, module};
}

template <class M>
void attach_low_rank(M& model, AdapterConfig& config) {
  std::vector<std::string> found;
  std::vector<std::pair<LowRank, Tensor>> of_weight;
  model.for_each_linear([&](Linear& layer) {
    const std::string module = module_of(layer.bias.name());
    if (!config.targets_module(module)) return;
    check(!module.ends_with("cls.predictions"), "adapter: '{}' is the word embeddings' table, not a weight", module);
    const LowRank low(scope_at(model, module), layer, config.rank_of(module), real(config.scaling_of(module)),
                      real(config.dropout), config.dora);
    layer.instead = [low, W = layer.weight, b = layer.bias](const Tensor& x) { return low(x, W, b); };
    of_weight.emplace_back(low, layer.weight);
    found.push_back(module);
  });
  for (Embedding* table : tables_of(model)) {
    const std::string module = module_of(table->weight.name());
    if (!config.targets_module(module)) continue;
    check(!config.dora, "adapter: dora is for weights, '{}' is a table of embeddings", module);
    check_table(model, module);
    table->added =
        LowRankTable(scope_at(model, module), *table, config.rank_of(module), real(config.scaling_of(module)));
    found.push_back(module);
  }
  check(!found.empty(), "adapter: no module fits the targets {}; modules end in {}",
        engine::shown(
            config.target_pattern.empty() ? fmt::format("{}", fmt::join(config.targets, ", ")) : config.target_pattern,
            80),
        some_modules(model));
  const bool wild = std::any_of(config.targets.begin(), config.targets.end(), [](const std::string& target) {
    return target.find_first_of("*?[") != std::string::npos;
  });
  if (wild) config.targets = found;  // other readers know no shell patterns
  model.params.initialise_added();
  for (const auto& [low, weight] : of_weight)
    if (low.magnitude) low.begin_magnitude_at(weight);
}

void attach_bottlenecks(Model& model, const AdapterConfig& config) {
  const bool houlsby = config.kind == AdapterKind::houlsby;
  const auto put = [&](BertOutput& output) {
    const Scope at = scope_at(model, module_of(module_of(output.norm.bias.name()))) / "adapters.default";
    output.adapter.emplace(InLayer{Bottleneck(at / "adapter_down.0", at / "adapter_up", model.config.hidden_size,
                                              config.rank, houlsby ? silu : relu, kDeviation),
                                   !houlsby});
  };
  for (BertLayer& layer : model.encoder.bert()->layers) {
    if (houlsby) put(layer.attention_output);
    put(layer.output);
  }
  model.params.initialise_added();
}

void attach_prefix(Model& model, const AdapterConfig& config) {
  const Config& c = model.config;
  Bert& bert = *model.encoder.bert();
  check(!c.attention_window, "adapter: a prefix is for attention that sees all tokens; this model has a window of {}",
        c.attention_window);
  check(c.pruned_heads.empty(), "adapter: a prefix is for a model that has all its heads");
  check(config.rank < c.max_position_embeddings, "adapter: a prefix of {} rows leaves no room in {} positions",
        config.rank, c.max_position_embeddings);
  const Tensor table = model.params.root().parameter(
      "prompt_embeddings", {config.rank, 2 * c.hidden_size * c.num_hidden_layers}, {Init::normal, kDeviation});
  for (size_t l = 0; l < bert.layers.size(); ++l)
    bert.layers[l].attention.prefix = {table, long(l) * 2 * c.hidden_size};
  bert.embeddings.first_position = int(config.rank);  // as peft over BERT: the prefix has the first positions
  model.params.initialise_added();
}

// Whether a parameter is trained where it stands.
bool trained_in_place(const AdapterConfig& config, const std::string& name) {
  if (config.saves_module(module_of(name))) return true;
  if (!name.ends_with(".bias")) return false;
  return config.bias == "all" || (config.bias == "lora_only" && config.targets_module(module_of(name)));
}

// All but what is trained is the base's: the first `before` parameters, without those that are trained in place.
void keep_base(Params& params, const AdapterConfig& config, size_t before, const std::string& fingerprint) {
  std::vector<std::string> added;
  for (size_t i = before; i < params.tensors().size(); ++i) added.push_back(params.tensors()[i].name());
  const auto stays = [&](const std::string& name) {
    return std::find(added.begin(), added.end(), name) == added.end() && !trained_in_place(config, name);
  };
  params.keep_as_base(stays, fingerprint);
}

template <class M>
void check_each_target(M& model, const AdapterConfig& config) {
  for (const std::string& target : config.kind == AdapterKind::lora ? config.targets : std::vector<std::string>()) {
    AdapterConfig alone = config;
    alone.targets = {target};
    bool fits = false;
    model.for_each_linear([&](Linear& layer) { fits |= alone.targets_module(module_of(layer.bias.name())); });
    for (Embedding* table : tables_of(model)) fits |= alone.targets_module(module_of(table->weight.name()));
    check(fits, "adapter: no module fits the target '{}'; modules end in {}", engine::shown(target),
          some_modules(model));
  }
}

template <class M>
void merge_into(M& model) {
  check(model.adapter.has_value(), "adapter: there is none to be merged");
  const AdapterConfig config = *model.adapter;
  check(config.merges(), "adapter: a {} is a network of its own, not a change of weights: it cannot be merged",
        name_of(config.kind));
  if (config.kind == AdapterKind::lora) {
    const auto low_rank = [](const std::string& name) { return name.find(".lora_") != std::string::npos; };
    model.for_each_linear([&](Linear& layer) {
      const std::string module = module_of(layer.bias.name());
      if (!config.targets_module(module)) return;
      const Params& params = model.params;
      const LowRank low(params.find(module + ".lora_A.weight"), params.find(module + ".lora_B.weight"),
                        config.dora ? params.find(module + ".lora_magnitude_vector") : Tensor(),
                        real(config.scaling_of(module)));
      const Tensor merged = low.merged(layer.weight);
      std::copy_n(merged.data(), merged.numel(), layer.weight.data());
      layer.instead = nullptr;
      layer.packed = nullptr;
    });
    for (Embedding* table : tables_of(model)) {
      const std::string module = module_of(table->weight.name());
      if (!config.targets_module(module)) continue;
      const LowRankTable low(model.params.find(module + ".lora_embedding_A"),
                             model.params.find(module + ".lora_embedding_B"), real(config.scaling_of(module)));
      const Tensor merged = low.merged(table->weight);
      std::copy_n(merged.data(), merged.numel(), table->weight.data());
      table->added = nullptr;
    }
    model.params.remove(low_rank);
  }
  model.params.release_base();
  model.adapter.reset();
}

}  // namespace

std::vector<std::string> head_modules(const Model& model) {
  std::vector<std::string> modules;
  for (const Tensor& p : model.params.tensors()) {
    const std::string module = module_of(p.name());
    if (belongs_to_head(p.name()) && std::find(modules.begin(), modules.end(), module) == modules.end())
      modules.push_back(module);
  }
  return modules;
}

void check_targets(Model& model, const AdapterConfig& config) { check_each_target(model, config); }
void check_targets(EncoderDecoder& model, const AdapterConfig& config) { check_each_target(model, config); }

void attach(Model& model, AdapterConfig config, const std::string& fingerprint) {
  check(!model.adapter, "adapter: the model has one already; merge it first");
  check(config.kind == AdapterKind::lora || model.encoder.bert(),
        "adapter: '{}' is for a BERT; this is a model of type '{}'", name_of(config.kind), model.config.model_type);
  const size_t before = model.params.tensors().size();
  if (config.kind == AdapterKind::lora) attach_low_rank(model, config);
  if (config.kind == AdapterKind::houlsby || config.kind == AdapterKind::pfeiffer) attach_bottlenecks(model, config);
  if (config.kind == AdapterKind::prefix) attach_prefix(model, config);
  keep_base(model.params, config, before, fingerprint);
  model.adapter = std::move(config);
}

void attach(EncoderDecoder& model, AdapterConfig config, const std::string& fingerprint) {
  check(!model.adapter, "adapter: the model has one already; merge it first");
  check(config.merges(), "adapter: '{}' is for a BERT; a translator takes lora and bitfit", name_of(config.kind));
  const size_t before = model.params.tensors().size();
  if (config.kind == AdapterKind::lora) attach_low_rank(model, config);
  keep_base(model.params, config, before, fingerprint);
  model.adapter = std::move(config);
}

void merge(Model& model) { merge_into(model); }
void merge(EncoderDecoder& model) { merge_into(model); }

}  // namespace nn
