// How long a training run takes to begin.
#pragma once

#include "tasks/run/console.h"

namespace bench {

// Prints {"seconds": s}: from the start of `sentiment train` to the first line of its log, which is written after the
// first step.
void first_step(run::Options& options, const run::Parse& parse);

}  // namespace bench
