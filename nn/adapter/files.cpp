// Adapter directories. Read nn/adapter/files.h first: the form; nn/adapter/attach.h puts one on a model.
#include "nn/adapter/files.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "engine/parallel.h"
#include "engine/strings.h"
#include "nn/adapter/attach.h"
#include "nn/format/sha256.h"

namespace nn {
namespace {

constexpr const char* kConfig = "/adapter_config.json";
constexpr const char* kFingerprint = "base_sha256";

SafeTensors open_adapter(const std::string& directory) {
  const std::string path = directory + "/adapter_model.safetensors";
  check(std::filesystem::exists(path) || !std::filesystem::exists(directory + "/adapter_model.bin"),
        "{}: no such file; adapter_model.bin is a pickle, which runs code when it is read: save the adapter with "
        "safe_serialization=True",
        path);
  return SafeTensors(path);
}

// A parameter's name in the file.
std::string key_of(const AdapterConfig& config, const std::string& name) {
  if (config.kind == AdapterKind::prefix) return name == "prompt_embeddings" ? name : "base_model." + name;
  std::string own = name;
  if (name.ends_with(".bias") && config.targets_module(module_of(name))) own = module_of(name) + ".base_layer.bias";
  return "base_model.model." + own;
}

std::string without(const std::string& text, const std::string& part) {
  const size_t at = text.find(part);
  return at == std::string::npos ? text : text.substr(0, at) + text.substr(at + part.size());
}

}  // namespace

std::string parameter_of_key(const std::string& key) {
  std::string name = key;
  for (const char* prefix : {"base_model.model.", "base_model."})
    if (name.starts_with(prefix)) {
      name = name.substr(std::string(prefix).size());
      break;
    }
  name = without(name, ".base_layer");
  if (name.find(".lora_") != std::string::npos) name = without(name, ".default");
  if (name.ends_with("lora_magnitude_vector.weight")) name.resize(name.size() - std::string(".weight").size());
  const std::string adapters = ".adapters.";
  for (size_t at = 0; (at = name.find(adapters, at)) != std::string::npos;) {
    const size_t begin = at + adapters.size(), end = name.find('.', begin);
    if (end == std::string::npos) break;
    const bool named = end > begin;
    if (named) name.replace(begin, end - begin, "default");
    at = begin + (named ? std::string("default").size() : 0);
  }
  return name;
}

namespace {

// peft with bias "all" writes these two of a module to save beside the module itself.
bool is_shadow(const std::string& key) {
  return key.find(".original_module.") != std::string::npos || key.find(".modules_to_save.") != std::string::npos;
}

std::map<std::string, std::string> keys_by_name(const SafeTensors& file) {
  std::map<std::string, std::string> keys;
  for (const auto& [key, entry] : file.entries()) {
    if (is_shadow(key)) continue;
    const auto [at, fresh] = keys.emplace(parameter_of_key(key), key);
    check(fresh, "{}: '{}' and '{}' are one parameter", file.path(), engine::shown(at->second, 100),
          engine::shown(key, 100));
  }
  return keys;
}

std::string some(const std::vector<std::string>& names) {
  if (names.empty()) return "none";
  constexpr size_t kShown = 3;
  std::vector<std::string> first;
  for (size_t i = 0; i < std::min(names.size(), kShown); ++i) first.push_back(engine::shown(names[i], 100));
  return fmt::format("{} ({}{})", names.size(), fmt::join(first, ", "), names.size() > kShown ? ", ..." : "");
}

// An adapter that its base has learned nothing for: told by what was stored with it.
void check_base(const Params& params, const AdapterConfig& adapter, const SafeTensors& file) {
  const auto stored = file.metadata().find(kFingerprint);
  if (stored == file.metadata().end()) return;
  check(stored->second == params.base_fingerprint(),
        "{}: is of another base: it was trained on one with SHA-256 {}..., this one, {}, has {}...", file.path(),
        engine::shown(stored->second.substr(0, 12)), engine::shown(adapter.base, 200),
        params.base_fingerprint().substr(0, 12));
}

}  // namespace

bool is_adapter_directory(const std::string& directory) { return std::filesystem::exists(directory + kConfig); }

bool knows_its_base(const std::string& directory) { return open_adapter(directory).metadata().contains(kFingerprint); }

std::string fingerprint_of(const SafeTensors& weights) {
  std::vector<std::string> names, lines;
  for (const auto& [name, entry] : weights.entries()) names.push_back(name);
  lines.resize(names.size());
  const auto line_of = [&](const std::string& name) {
    const SafeTensors::Entry& entry = weights.entry(name);
    return fmt::format("{} {} [{}] {}\n", name, entry.dtype, fmt::join(entry.shape, ", "),
                       sha256_hex(weights.bytes(name)));
  };
  parallel_tasks(long(names.size()), [&](long i) {
    try {
      lines[i] = line_of(names[i]);
    } catch (const Error&) {}  // it cannot leave the loop: again below
  });
  Sha256 hash;
  for (size_t i = 0; i < names.size(); ++i) hash.add(lines[i].empty() ? line_of(names[i]) : lines[i]);
  return hash.hex();
}

namespace {

Params::LoadReport load_own(const Params& params, const std::optional<AdapterConfig>& adapter,
                            const std::string& directory, const Params::Which& may_be_new, Anew anew) {
  check(adapter.has_value(), "load_adapter: none is attached");
  const SafeTensors file = open_adapter(directory);
  check_base(params, *adapter, file);
  std::map<std::string, std::string> keys = keys_by_name(file);
  Params::LoadReport report;
  std::vector<std::string> missing;
  for (const Tensor& p : params.own()) {
    const auto found = keys.find(p.name());
    if (found == keys.end() || begins_anew(anew, p.name())) {
      const bool allowed = begins_anew(anew, p.name()) || (may_be_new && may_be_new(p.name()));
      (allowed ? report.initialised : missing).push_back(p.name());
      continue;
    }
    const Shape shape(file.entry(found->second).shape);
    check(shape == p.shape(), "{}: the model's parameter {} has shape {} in the file", file.path(), p, shape);
    file.read_into(found->second, p.data());
    report.loaded.push_back(p.name());
    keys.erase(found);
  }
  std::vector<std::string> unmatched;
  for (const auto& [name, key] : keys) {
    const bool of_other_head = may_be_new && may_be_new(name);
    if (begins_anew(anew, name)) continue;
    (of_other_head ? report.ignored : unmatched).push_back(key);
  }
  check(missing.empty() && unmatched.empty(),
        "{}: does not fit the model {}: matched {}; missing in the file: {}; keys that match nothing: {}", file.path(),
        engine::shown(adapter->base, 200), report.loaded.size(), some(missing), some(unmatched));
  return report;
}

void save_own(const Params& params, const std::optional<AdapterConfig>& adapter, const std::string& directory,
              Stored stored) {
  check(adapter.has_value(), "save_adapter: none is attached");
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  check(!error, "{}: cannot be created: {}", directory, error.message());
  std::vector<Tensor> tensors;
  for (const Tensor& p : params.own())
    tensors.push_back(Tensor(p.shape(), p.buffer()).named(key_of(*adapter, p.name())));
  save_safetensors(directory + "/adapter_model.safetensors", tensors, {{kFingerprint, params.base_fingerprint()}},
                   stored);
  write_file(directory + kConfig, adapter_config_json(*adapter));
}

}  // namespace

Params::LoadReport load_adapter(Model& model, const std::string& directory, const Params::Which& may_be_new,
                                Anew anew) {
  return load_own(model.params, model.adapter, directory, may_be_new, anew);
}

Params::LoadReport load_adapter(EncoderDecoder& model, const std::string& directory) {
  return load_own(model.params, model.adapter, directory, nullptr, Anew::nothing);
}

void save_adapter(const Model& model, const std::string& directory, Stored stored) {
  save_own(model.params, model.adapter, directory, stored);
}

void save_adapter(const EncoderDecoder& model, const std::string& directory, Stored stored) {
  save_own(model.params, model.adapter, directory, stored);
}

void reload(Model& model, const std::string& directory) {
  if (model.adapter)
    load_adapter(model, directory);
  else
    load_pretrained(model, directory);
}

std::optional<Tensor> stored_parameter(const std::string& directory, const std::string& name) {
  if (is_adapter_directory(directory)) {
    const SafeTensors file = open_adapter(directory);
    const std::map<std::string, std::string> keys = keys_by_name(file);
    const auto found = keys.find(name);
    return found == keys.end() ? std::optional<Tensor>() : file.read(found->second);
  }
  const SafeTensors file = open_weights(directory);
  return file.has(name) ? std::optional<Tensor>(file.read(name)) : std::nullopt;
}

}  // namespace nn
