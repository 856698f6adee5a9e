// A model for the tasks of a set, and their texts as its ids.
#pragma once

#include <memory>

#include "tasks/model/build.h"
#include "tasks/spec/tasks.h"

namespace model {

std::vector<spec::TaskSpec> specs_of(const spec::TaskSet& set);

// As build(), from the training texts of all corpora: `set` is encoded, its counts and log odds are the first values
// where the model has them, and the directory will say the seed that shares out the texts.
std::unique_ptr<TextModel> build_of_tasks(const BuildOptions& options, spec::TaskSet& set, uint64_t seed);

}  // namespace model
