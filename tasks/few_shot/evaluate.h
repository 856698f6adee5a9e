// The command `few_shot evaluate`: how well an encoder learns a task that it was not trained on.
#pragma once

#include "tasks/run/console.h"

namespace few_shot {

void evaluate_command(run::Options& options, const run::Parse& parse);

}  // namespace few_shot
