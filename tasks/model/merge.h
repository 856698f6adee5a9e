// The command `merge` of programs: an adapter and its base become a plain model.
#pragma once

#include "tasks/run/console.h"

namespace model {

// --model ADAPTER_DIR --out DIR: what the adapter has learned is put into the weights; DIR is a directory like its
// base's, whose logits are the adapter's but for rounding.
void merge_command(run::Options& options, const run::Parse& parse);

}  // namespace model
