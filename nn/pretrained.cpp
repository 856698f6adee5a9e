// Model directories. Read nn/config.h and nn/safetensors.h first.
#include "nn/pretrained.h"

#include <filesystem>

namespace nn {

Params::LoadReport load_pretrained(Params& params, const std::string& directory, Head head) {
  const auto last_layer = [&](const std::string& name) {
    return head == Head::anew && name.starts_with("classifier.");
  };
  return params.load(SafeTensors(directory + "/model.safetensors"), belongs_to_head, last_layer);
}

void save_pretrained(const Params& params, const Config& config, const std::string& directory) {
  save_pretrained(params.tensors(), config, directory);
}

void save_pretrained(const std::vector<Tensor>& parameters, const Config& config, const std::string& directory,
                     Stored stored) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  check(!error, "{}: cannot be created: {}", directory, error.message());
  save_safetensors(directory + "/model.safetensors", parameters, {}, stored);
  write_file(directory + "/config.json", config_json(config));
}

}  // namespace nn
