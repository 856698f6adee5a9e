// Class weights from a file.
#pragma once

#include "tasks/spec/task_file.h"

namespace spec {

// "none", "balanced", "given" (the task has them) or a file with lines LABEL TAB WEIGHT, into the task. Error, with
// file and line: a label that is none of the task's, a label without a weight, all weights 0.
void set_class_weights(TaskSpec& task, const std::string& class_weights);

}  // namespace spec
