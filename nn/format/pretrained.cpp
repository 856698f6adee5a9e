// Model directories. Read nn/format/config.h and nn/format/safetensors.h first.
#include "nn/format/pretrained.h"

#include <algorithm>
#include <filesystem>

#include "engine/debug.h"
#include "nn/format/quantization.h"

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

// Weights of a masked language model that are tied as a rule, and not in this file: they would be lost silently.
void check_tied(const SafeTensors& file, const Config& c) {
  const std::string head = "cls.predictions.", embeddings = "embeddings.word_embeddings.weight";
  const auto same = [&](const std::string& a, const std::string& b) {
    return !file.has(a) || !file.has(b) ||
           (file.entry(a).shape == file.entry(b).shape && file.read(a).to_vector() == file.read(b).to_vector());
  };
  check(c.tie_word_embeddings ||
            (same(head + "decoder.weight", "bert." + embeddings) && same(head + "decoder.weight", embeddings)),
        "{}: tie_word_embeddings is false and '{}decoder.weight' is not the word embeddings: a decoder of its own is "
        "not supported",
        file.path(), head);
  check(same(head + "decoder.bias", head + "bias"), "{}: '{}decoder.bias' and '{}bias' differ; they are one",
        file.path(), head, head);
}

// Layers whose weights lie there as int8 multiply int8.
void take_bytes(const SafeTensors& file, Model& model, const Params::Which& elsewhere) {
  model.for_each_linear([](Linear& layer) { layer.packed = nullptr; });  // of the values before
  check_int8(file, model.config.int8);
  if (!model.config.int8) return;
  model.for_each_linear([&](Linear& layer) {
    const std::string& name = layer.weight.name();
    if (elsewhere && elsewhere(name)) return;
    for (const std::string& there : {name, name.starts_with("bert.") ? name.substr(5) : name})
      take_int8(file, there, layer);
  });
}

Stored stored_as_int8(const Tensor& t) {
  return fits_int8(t) && t.name().ends_with(".weight") && !belongs_to_head(t.name()) ? Stored::i8 : Stored::f32;
}

// What makes the outputs: classes, or a vector of another width.
bool is_classifier(const std::string& name) {
  return name.find("classifier.") != std::string::npos || name.find("projection.") != std::string::npos;
}

}  // namespace

bool begins_anew(Anew anew, const std::string& name) {
  if (anew == Anew::heads) return belongs_to_head(name) && !name.starts_with("bert.pooler.");
  return anew == Anew::classifiers && is_classifier(name);
}

Params::LoadReport load_pretrained(Model& model, const std::string& directory, Anew anew,
                                   const Params::Which& elsewhere) {
  const SafeTensors file = open_weights(directory);
  if (model.heads.size() == 1 && model.heads[0].masked_lm) check_tied(file, model.config);
  const auto must_be_new = [&](const std::string& name) {
    return begins_anew(anew, name) || (elsewhere && elsewhere(name));
  };
  const Params::LoadReport report = model.params.load(file, belongs_to_head, must_be_new);
  start_poolers(file, model.params);
  take_bytes(file, model, must_be_new);
  return report;
}

void save_pretrained(const Model& model, const std::string& directory, Stored stored) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  check(!error, "{}: cannot be created: {}", directory, error.message());
  const bool int8 = stored == Stored::i8;
  const std::vector<Tensor>& all = model.params.tensors();
  for (const Tensor& t : all)  // nobody would look for it in a smaller copy
    check(stored == Stored::f32 || engine::all_finite(t.data(), t.numel()), "{}: {} holds a NaN or an infinity",
          directory, t);
  check(!int8 || std::any_of(all.begin(), all.end(), [](const Tensor& t) { return stored_as_int8(t) == Stored::i8; }),
        "{}: the model has no weights of at least 16 rows and columns: int8 would not make it smaller", directory);
  save_safetensors(directory + "/model.safetensors", all, {},
                   [=](const Tensor& t) { return int8 ? stored_as_int8(t) : stored; });
  Config config = model.config;
  config.int8 = int8;
  write_file(directory + "/config.json", config_json(config));
}

}  // namespace nn
