// From options to an adapter on a model. Read nn/adapter/config.h and nn/adapter/attach.h first.
#include "tasks/model/adapter.h"

#include <filesystem>

#include "engine/strings.h"
#include "nn/adapter/attach.h"
#include "tasks/run/arguments.h"
#include "tasks/run/console.h"

namespace model {

using engine::check;
using engine::Tensor;

void AdapterOptions::declare(run::Options& options) {
  const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("Adapter");
  };
  add("--adapter", kind,
      "train few parameters over a model directory that stays: lora (low-rank additions to weights), bottleneck (a "
      "narrow network in each layer), prefix (keys and values before each text), bitfit (the biases)")
      .one_of({"none", "lora", "bottleneck", "prefix", "bitfit"});
  add("--adapter-form", form, "of lora: plain, or dora; of bottleneck: pfeiffer, or houlsby; default the first")
      .one_of({"plain", "dora", "pfeiffer", "houlsby"});
  add("--adapter-rank", rank,
      "of lora, default 8; the width of a bottleneck, default a sixteenth of the model's; the rows of a prefix, "
      "default 16")
      .between(1, 1e6);
  add("--adapter-alpha", alpha, "of lora: its addition counts alpha / rank times; default twice the rank").positive();
  add("--adapter-stabilised", stabilised, "of lora: alpha / sqrt(rank) times instead");
  add("--adapter-dropout", dropout, "of lora: of what its addition reads").between(0, 0.99);
  add("--adapter-targets", targets,
      "of lora: the modules that get one, with commas: ends of their names, or shell patterns over all of it; "
      "word_embeddings is one, too");
  declare_base(options, base);
}

void declare_base(run::Options& options, std::string& base) {
  options.add("--base", base, "where the model of an adapter directory is, if not where the directory says")
      .group("Adapter");
}

nn::AdapterKind AdapterOptions::adapter_kind() const {
  if (kind == "lora") return nn::AdapterKind::lora;
  if (kind == "prefix") return nn::AdapterKind::prefix;
  if (kind == "bitfit") return nn::AdapterKind::bitfit;
  return form == "houlsby" ? nn::AdapterKind::houlsby : nn::AdapterKind::pfeiffer;
}

nn::AdapterConfig AdapterOptions::config(const nn::Config& encoder) const {
  const bool lora = kind == "lora", bottleneck = kind == "bottleneck";
  const auto only_for = [&](bool fits, bool given, const char* option, const char* kinds) {
    check(fits || !given, "{} is for --adapter {}; got --adapter {}", option, kinds, kind);
  };
  only_for(lora, form == "plain" || form == "dora", "--adapter-form plain or dora", "lora");
  only_for(bottleneck, form == "pfeiffer" || form == "houlsby", "--adapter-form pfeiffer or houlsby", "bottleneck");
  only_for(any() && kind != "bitfit", rank.has_value(), "--adapter-rank", "lora, bottleneck and prefix");
  only_for(lora, alpha.has_value(), "--adapter-alpha", "lora");
  only_for(lora, dropout > 0, "--adapter-dropout", "lora");
  only_for(lora, stabilised, "--adapter-stabilised", "lora");
  only_for(lora, targets != usual_targets, "--adapter-targets", "lora");
  nn::AdapterConfig c;
  if (!any()) return c;
  c.kind = adapter_kind();
  c.rank = rank.value_or(lora ? 8 : bottleneck ? std::max(1L, encoder.hidden_size / 16) : 16);
  if (!lora) return c.kind == nn::AdapterKind::bitfit ? (c.bias = "all", c) : c;
  c.alpha = alpha.value_or(2 * double(c.rank));
  c.dropout = dropout;
  c.stabilised = stabilised;
  c.dora = form == "dora";
  for (const std::string& target : engine::split(targets, ',')) {
    check(!target.empty(), "--adapter-targets: an empty name in '{}'", engine::shown(targets));
    c.targets.push_back(target);
  }
  return c;
}

double adapter_lr(nn::AdapterKind kind) {
  switch (kind) {
    case nn::AdapterKind::prefix:
      return 5e-3;
    case nn::AdapterKind::bitfit:
      return 1e-3;
    default:
      return 5e-4;
  }
}

namespace {

std::string task_type_of(const nn::Config& config) {
  if (config.architecture == "BertForSequenceClassification") return "SEQ_CLS";
  return config.architecture == "BertForTokenClassification" ? "TOKEN_CLS" : "";
}

template <class M>
void put_on(M& net, nn::AdapterConfig config, const std::string& base) {
  config.base = std::filesystem::weakly_canonical(base);
  nn::check_targets(net, config);
  nn::attach(net, config, nn::fingerprint_of(nn::open_weights(base)));
}

void print_what_learns(const std::optional<nn::AdapterConfig>& adapter, const nn::Params& params) {
  if (!adapter) return;
  long own = 0;
  for (const Tensor& t : params.trainable()) own += t.numel();
  run::print_note("adapter {} over {}: {} of {} parameters are trained ({:.2f} %)\n", nn::name_of(adapter->kind),
                  adapter->base, own, params.count(), 100 * double(own) / double(params.count()));
}

}  // namespace

void add_adapter(nn::Model& net, const AdapterOptions& options, const std::string& base) {
  nn::AdapterConfig config = options.config(net.config);
  config.task_type = task_type_of(net.config);
  config.modules_to_save = nn::head_modules(net);
  put_on(net, std::move(config), base);
}

void add_adapter(nn::EncoderDecoder& net, const AdapterOptions& options, const std::string& base) {
  nn::AdapterConfig config = options.config({});
  config.task_type = "SEQ_2_SEQ_LM";
  put_on(net, std::move(config), base);
}

std::string find_base(const nn::AdapterConfig& config, const std::string& directory, const std::string& given) {
  namespace fs = std::filesystem;
  if (!nn::knows_its_base(directory))
    run::print_note("note: {}: does not say which base it was trained on, as ours do; the one given is taken\n",
                    directory);
  if (!given.empty()) return given;
  check(!config.base.empty(), "{}/adapter_config.json: names no base model; --base DIR says where it is", directory);
  for (const fs::path& path : {fs::path(config.base), fs::path(directory) / config.base})
    if (fs::exists(path / "config.json")) return path;
  engine::fail("{}: an adapter of the model '{}', which is not there; --base DIR says where it is", directory,
               engine::shown(config.base, 200));
}

void print_adapter(const nn::Model& net) { print_what_learns(net.adapter, net.params); }
void print_adapter(const nn::EncoderDecoder& net) { print_what_learns(net.adapter, net.params); }

}  // namespace model
