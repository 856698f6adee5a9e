// A Hugging Face model directory, in and out: config.json and model.safetensors. (The vocabulary is the tasks'.)
#pragma once

#include "nn/heads.h"

namespace nn {

// Fills the parameters of a classifier from DIR's weights (open_weights). What belongs to the head may be new; with a
// new head the last layer is, whatever the file has: its labels are other ones.
enum class Head { kept, anew };
Params::LoadReport load_pretrained(Params& params, const std::string& directory, Head head = Head::kept);

// Writes DIR/config.json and DIR/model.safetensors, each whole or not at all.
void save_pretrained(const Params& params, const Config& config, const std::string& directory);

}  // namespace nn
