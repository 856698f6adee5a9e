// The space of a search as TensorBoard's page of hyper-parameters shows it, in the root of its runs' events.
#pragma once

#include <string>

#include "tasks/search/space.h"

namespace tune {

// Writes DIR's experiment, unless DIR has one: every parameter of the space with its bounds or its choices, and the
// scalar that tells how good a run was: of "dev.macro_f1" dev/macro_f1, of "loss" train/loss; of "result.NAME" none.
void write_experiment(const std::string& directory, const search::Space& space, const std::string& metric);

}  // namespace tune
