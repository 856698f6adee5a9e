// The commands of this program, each in a file of its name.
#pragma once

#include "tasks/run/console.h"

namespace explain {

void texts_command(run::Options& options, const run::Parse& parse);    // texts.cpp
void compare_command(run::Options& options, const run::Parse& parse);  // compare.cpp
void patch_command(run::Options& options, const run::Parse& parse);    // patch.cpp

}  // namespace explain
