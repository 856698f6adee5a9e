// `evaluate` and `calibrate`: what a trained model is worth, to whom, and how sure it may be.
#pragma once

#include "tasks/run/console.h"

namespace sentiment {

void evaluate_command(run::Options& options, const run::Parse& parse);
void calibrate_command(run::Options& options, const run::Parse& parse);

}  // namespace sentiment
