// noise --data FILE --out FILE: labels that are probably wrong.
#pragma once

#include "tasks/sentiment/runs.h"

namespace sentiment {

// Runs `train` on all folds but one and asks it about that one; the texts in order of suspicion, and a figure beside.
void noise_command(run::Options& options, const run::Parse& parse, const Train& train);

// The fold of each text, 0 ... folds - 1: each label shared out evenly, by seed; equal texts in the same one, so that
// none is asked about by a model that was told its label.    Error: fewer texts than folds.
engine::Indices folds_of(const std::vector<text::Example>& examples, int folds, uint64_t seed);

}  // namespace sentiment
