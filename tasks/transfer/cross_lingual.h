// Transfer between languages (Reimers & Gurevych 2020): of a sentence and its translation, a student reads the
// translation and learns the vector that a teacher has for the sentence.
#pragma once

#include "tasks/run/program.h"

void cross_lingual(CLI::App& app, const run::Parse& parse);
