// check FILE...: what can be known of labelled texts before anything is trained.
#pragma once

#include "tasks/run/console.h"

namespace sentiment {

// Rows, lengths, classes, equal and empty texts, words that are unknown, what `train` would choose, and the command to
// run next; as words for a person, and with --out as JSON.
void check_command(run::Options& options, const run::Parse& parse);

}  // namespace sentiment
