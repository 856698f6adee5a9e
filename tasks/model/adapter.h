// Adapters as options, and on a model: new ones, and those of a directory.
#pragma once

#include <optional>

#include "nn/adapter/files.h"

namespace run {
class Options;
}

namespace model {

struct AdapterOptions {
  std::string kind = "none";  // none, lora, bottleneck, prefix, bitfit
  std::string form;           // of lora plain or dora, of bottleneck pfeiffer or houlsby; empty: the first
  std::optional<long> rank;
  std::optional<double> alpha;
  double dropout = 0;
  bool stabilised = false;
  std::string targets = "query,value", usual_targets = targets;  // the latter: what is meant where none is given
  std::string base;  // where an adapter directory's base model is; empty: where the directory says

  void declare(run::Options& options);
  bool any() const { return kind != "none"; }
  // Error: an option that this kind has no use for.
  nn::AdapterConfig config(const nn::Config& encoder) const;
  nn::AdapterKind adapter_kind() const;
};

void declare_base(run::Options& options, std::string& base);

// The peak of the learning rate where none is given.
double adapter_lr(nn::AdapterKind kind);

// Puts a new adapter on a model that was loaded from `base`; its whole head is trained with it.
void add_adapter(nn::Model& net, const AdapterOptions& options, const std::string& base);
// The same on a translator, which takes lora and bitfit.
void add_adapter(nn::EncoderDecoder& net, const AdapterOptions& options, const std::string& base);

// Where an adapter's base is: `given`, or what the configuration names, from here or from the adapter's directory.
// Error: nowhere.
std::string find_base(const nn::AdapterConfig& config, const std::string& directory, const std::string& given);

// The line about it on the screen: what is trained, of how much.
void print_adapter(const nn::Model& net);
void print_adapter(const nn::EncoderDecoder& net);

}  // namespace model
