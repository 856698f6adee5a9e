// Runs of `train` inside of another command: on other texts each, one after the other, quietly.
#pragma once

#include <functional>

#include "tasks/objective/classifier.h"
#include "tasks/run/console.h"

namespace sentiment {

// The loop of main.cpp, from a set with its decided options to the last step; `finish` hears of it then.
using Finish = std::function<void(const run::Training&)>;
using Train =
    std::function<void(const run::Options&, const objective::ClassifierOptions&, spec::TaskSet&, const Finish&)>;

// Leaves a fingerprint of the set's texts and labels in a file, or finds it there.    Error: another one.
void same_texts(const spec::TaskSet& set, const std::string& file);

struct Outcome {
  std::string model;             // that was trained: mini, pool, ...
  model::Evaluation evaluation;  // of the best epoch's model, on the set's test split
  model::Outputs outputs;
};
// What `train` with these options would come to on the set: what they leave open is decided by its texts. The run's
// directory is gone afterwards; one that a killed run has left there is continued.
Outcome train_on(const Train& train, const run::Options& options, spec::TaskSet set, uint64_t seed,
                 const std::string& directory);

}  // namespace sentiment
