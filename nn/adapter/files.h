// Adapter directories, in and out: adapter_config.json and adapter_model.safetensors, lora's and prefixes as peft has
// them. Names are the base's parameters' behind "base_model.model.", in a prefix's directory behind "base_model.":
//   lora      MODULE.lora_A.weight, .lora_B.weight, .lora_magnitude_vector;  biases: of its modules
//             MODULE.base_layer.bias, of others MODULE.bias;  of a table of embeddings MODULE.lora_embedding_A, ..._B
//   prefix    prompt_embeddings [P, 2 C L]: of each layer the keys, then the values; the tokens' positions begin at P
//   houlsby,  LAYER.output.adapters.default.adapter_down.0.weight, .bias, .adapter_up.weight, .bias, likewise
//   pfeiffer  LAYER.attention.output....: the names of the library `adapters`; `width` in the configuration
//   bitfit    MODULE.bias
//   all       the modules to save, by their own names
// A file without it is a peft's; one of ours has `base_sha256` among its metadata: what it was trained on.
#pragma once

#include <optional>

#include "nn/format/pretrained.h"
#include "nn/model/decoder.h"

namespace nn {

bool is_adapter_directory(const std::string& directory);

// SHA-256 over the base's tensors in the order of their names: of the lines NAME " " TYPE " [2, 3] " SHA-256 of its
// bytes, each ended by a newline. The names, types and bytes are those of the file.
std::string fingerprint_of(const SafeTensors& weights);
// Whether an adapter's directory has the fingerprint of its base: peft writes none, so that any of these shapes fits.
bool knows_its_base(const std::string& directory);

// The parameter that a key of such a file means, whatever wrote it: the adapter's name may stand in it.
std::string parameter_of_key(const std::string& key);

// The values of an adapter that is attached, and of all that the directory has beside it.
// Error: of another base than this model's; in one line what matched, what is missing and what nothing fits.
// What `may_be_new` names may be missing, and so may what begins anew.
Params::LoadReport load_adapter(Model& model, const std::string& directory, const Params::Which& may_be_new = nullptr,
                                Anew anew = Anew::nothing);
Params::LoadReport load_adapter(EncoderDecoder& model, const std::string& directory);

// Writes DIR/adapter_config.json and DIR/adapter_model.safetensors, each whole or not at all.
void save_adapter(const Model& model, const std::string& directory, Stored stored = Stored::f32);
void save_adapter(const EncoderDecoder& model, const std::string& directory, Stored stored = Stored::f32);

// The parameters of a model from where its kind was saved: all of them, or those that its adapter has.
void reload(Model& model, const std::string& directory);

// One parameter of a directory of either kind, or nothing.
std::optional<Tensor> stored_parameter(const std::string& directory, const std::string& name);

}  // namespace nn
