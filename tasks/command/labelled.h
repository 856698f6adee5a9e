// Labelled texts for a model that is there already: what it is measured on, calibrated on, attacked with.
#pragma once

#include "tasks/model/request.h"

namespace command {

// The texts of the files, or the embedded test set, with the model's labels, encoded as it reads: the test split of its
// only task. Error: --labels that are not the model's; several tasks.
spec::TaskSet labelled(const run::Options& options, const model::Request& given, const std::vector<std::string>& data,
                       const model::TextModel& model);

}  // namespace command
