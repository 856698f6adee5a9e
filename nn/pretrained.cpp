// Model directories. Read nn/config.h and nn/safetensors.h first.
#include "nn/pretrained.h"

#include <filesystem>

namespace nn {

Params::LoadReport load_pretrained(Params& params, const std::string& directory, Head head) {
  const auto last_layer = [&](const std::string& name) {
    return head == Head::anew && name.starts_with("classifier.");
  };
  return params.load(open_weights(directory), belongs_to_head, last_layer);
}

void save_pretrained(const Params& params, const Config& config, const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  check(!error, "{}: cannot be created: {}", directory, error.message());
  save_safetensors(directory + "/model.safetensors", params.tensors());
  write_file(directory + "/config.json", config_json(config));
}

}  // namespace nn
