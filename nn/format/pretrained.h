// A Hugging Face model directory, in and out: config.json and model.safetensors. (The vocabulary is the tasks'.)
#pragma once

#include "nn/model/model.h"

namespace nn {

// What may begin anew, whatever the file has: nothing; the last layers, because their labels are other ones; or all
// that belongs to heads, because they are other heads.
enum class Anew { nothing, classifiers, heads };

// Fills a model's parameters from DIR's weights (open_weights); of int8 ones with what they stand for, and layers that
// have them multiply int8 where no history is recorded (engine/packed.h). What belongs to a head may be new; the
// poolers of named heads begin as the file's only one. `elsewhere`: parameters whose values come from another place, as
// an adapter's.
Params::LoadReport load_pretrained(Model& model, const std::string& directory, Anew anew = Anew::nothing,
                                   const Params::Which& elsewhere = nullptr);

// Whether a parameter begins anew.
bool begins_anew(Anew anew, const std::string& name);

// Writes DIR/config.json and DIR/model.safetensors, each whole or not at all. As I8 the weights of the encoder's linear
// layers and the tables of its embeddings are, where they have at least 16 rows and columns; heads, biases and norms
// stay F32: a quarter of the size. config.json says so (quantization_config).
void save_pretrained(const Model& model, const std::string& directory, Stored stored = Stored::f32);

}  // namespace nn
