// Model directories. Read nn/format/config.h and nn/format/safetensors.h first.
#include "nn/format/pretrained.h"

#include <filesystem>

namespace nn {
namespace {

// What a published encoder's pooler has learned is where every named head's pooler begins.
void start_poolers(const SafeTensors& file, const Params& params) {
  for (const Tensor& p : params.tensors()) {
    const size_t at = p.name().find(".pooler.dense.");
    if (!belongs_to_task(p.name()) || at == std::string::npos || file.has(p.name())) continue;
    for (const std::string prefix : {"bert.", ""}) {
      const std::string name = prefix + p.name().substr(at + 1);
      if (file.has(name) && Shape(file.entry(name).shape) == p.shape()) file.read_into(name, p.data());
    }
  }
}

bool is_classifier(const std::string& name) { return name.find("classifier.") != std::string::npos; }

}  // namespace

Params::LoadReport load_pretrained(Model& model, const std::string& directory, Anew anew) {
  const SafeTensors file(directory + "/model.safetensors");
  const auto must_be_new = [&](const std::string& name) {
    return anew == Anew::heads         ? belongs_to_head(name) && !name.starts_with("bert.pooler.")
           : anew == Anew::classifiers ? is_classifier(name)
                                       : false;
  };
  const Params::LoadReport report = model.params.load(file, belongs_to_head, must_be_new);
  start_poolers(file, model.params);
  return report;
}

void save_pretrained(const Model& model, const std::string& directory, Stored stored) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  check(!error, "{}: cannot be created: {}", directory, error.message());
  save_safetensors(directory + "/model.safetensors", model.params.tensors(), {}, stored);
  write_file(directory + "/config.json", config_json(model.config));
}

}  // namespace nn
