// The command `predict` of every program that has a model of texts.
#pragma once

#include "tasks/run/console.h"

namespace command {

// What a model says of texts: of arguments, of the rows of a file, or of the lines of standard input; as JSON lines on
// standard output, or beside the rows in a file. A block of rows is read, predicted and written at a time.
void predict(run::Options& options, const run::Parse& parse);

}  // namespace command
