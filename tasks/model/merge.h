// Commands of programs that write a model another way: an adapter and its base as a plain model, a model as int8.
#pragma once

#include "tasks/run/console.h"

namespace model {

// --model ADAPTER_DIR --out DIR: what the adapter has learned is put into the weights; DIR is a directory like its
// base's, whose logits are the adapter's but for rounding.
void merge_command(run::Options& options, const run::Parse& parse);

// --model DIR --out DIR: the weights as int8 (nn/format/pretrained.h), for predictions by every command that reads DIR;
// an adapter is merged first.
void quantize_command(run::Options& options, const run::Parse& parse);

// Its line `result ...`: how large OUT/model.safetensors is, and its share of four bytes a parameter.
void print_quantized(const std::string& model, const std::string& out, long parameters);

}  // namespace model
