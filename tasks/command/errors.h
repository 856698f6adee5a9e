// What a model gets wrong, for people to read: the surest mistakes first, with the words that led to them.
#pragma once

#include "tasks/model/evaluate.h"

namespace command {

// Of a task that predicts one label: at most `most` texts whose label is another one, by the probability of what was
// predicted; two lines each, of at most `columns`. The parameters should be frozen (explain/words.h).
// Error: a task that predicts something else.
std::string wrong_ones(const model::TextModel& model, const spec::TaskSet& set, size_t task, spec::Split split,
                       const model::Outputs& outputs, size_t most, size_t columns);

}  // namespace command
