// AdapterConfig: what an adapter is, in the words of peft's adapter_config.json.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/base.h"

namespace nn {

// lora (nn/adapter/lora.h), houlsby and pfeiffer (nn/adapter/bottleneck.h), prefix (nn/attention.h); bitfit: every bias
// of the encoder is trained and nothing else of it (Ben Zaken, Goldberg, Ravfogel 2022).
enum class AdapterKind { lora, houlsby, pfeiffer, prefix, bitfit };
const char* name_of(AdapterKind kind);

struct AdapterConfig {
  AdapterKind kind = AdapterKind::lora;
  std::string base;       // base_model_name_or_path
  std::string task_type;  // SEQ_CLS, TOKEN_CLS, ... or not said
  long rank = 8;          // r of lora; the width of a bottleneck; the rows of a prefix
  // of lora
  double alpha = 16, dropout = 0;
  bool stabilised = false, dora = false;  // alpha / sqrt(r) instead of alpha / r; a magnitude of its own
  std::vector<std::string> targets;       // modules, by the end of their name or by a shell pattern over all of it
  std::string target_pattern;             // or by a regular expression over all of it; all-linear: the encoder's
  std::vector<long> layers;               // only in these; empty: in all
  std::vector<std::pair<std::string, long>> rank_pattern;  // other ones for modules, by the end of their name
  std::vector<std::pair<std::string, double>> alpha_pattern;
  std::string bias = "none";  // the biases that are trained, too: none, all, lora_only (those of its modules)
  // of all
  std::vector<std::string> modules_to_save;  // what is trained as it is: the head

  bool merges() const { return kind == AdapterKind::lora || kind == AdapterKind::bitfit; }  // into plain weights
  bool targets_module(const std::string& module) const;
  bool saves_module(const std::string& module) const;
  long rank_of(const std::string& module) const;
  double scaling_of(const std::string& module) const;  // s
};

// Error: not such a file; a kind that is none of these; a key that changes what is computed and is not known.
AdapterConfig read_adapter_config(const std::string& path);
std::string adapter_config_json(const AdapterConfig& config);

// "bert.encoder.layer.0.output.dense" of "bert.encoder.layer.0.output.dense.weight".
std::string module_of(const std::string& parameter);

}  // namespace nn
