// int8 weights in a model directory: what config.json says of them, which tensors they are, layers that multiply them.
#pragma once

#include "nn/format/json.h"
#include "nn/format/safetensors.h"
#include "nn/layers.h"

namespace nn {

// quantization_config in the form of compressed-tensors, which readers of Hugging Face's files know: linear layers
// multiply int8 by int8, one scale an output and one a token, the latter found while the model runs; embeddings are
// rows with scales. `full`: the modules that stay as they are, by name or "re:" and an expression.
ordered_json int8_config(const std::vector<std::string>& full);

// Whether a config.json has it. Error: another form of it.
bool reads_int8(const JsonObject& from);

// Whether a tensor of this shape is smaller as int8: a matrix of at least 16 rows and columns.
bool fits_int8(const Tensor& t);

// Error unless the file has int8 weights if, and only if, config.json says so.
void check_int8(const SafeTensors& file, bool said);

// A layer whose weight lies in the file as int8, under this name, multiplies int8 where no history is recorded.
void take_int8(const SafeTensors& file, const std::string& name, Linear& layer);

}  // namespace nn
