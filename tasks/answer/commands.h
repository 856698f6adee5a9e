// The commands of `answer` but `train`.
#pragma once

#include "tasks/run/console.h"

namespace answer {

void evaluate_command(run::Options& options, const run::Parse& parse);
void ask_command(run::Options& options, const run::Parse& parse);
void serve_command(run::Options& options, const run::Parse& parse);
void index_command(run::Options& options, const run::Parse& parse);

}  // namespace answer
