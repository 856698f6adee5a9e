// The command `multitask evaluate`.
#pragma once

#include "tasks/run/console.h"

namespace multitask {

void evaluate_command(run::Options& options, const run::Parse& parse);

}  // namespace multitask
