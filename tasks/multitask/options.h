// What `multitask train` can be told, on the command line or in the task file: an option --batch-size is there the key
// batch_size.
#pragma once

#include "optim/several/weighting.h"
#include "tasks/multitask/sampling.h"
#include "tasks/spec/task_file.h"
#include "tasks/model/train_options.h"

namespace multitask {

// The embedded corpus' sentiment and topic: a task file that works, printed by `multitask example`.
extern const char* const kExample;

struct Options {
  std::string tasks;  // the task file; empty: kExample
  model::TrainOptions train;
  SamplingOptions sampling;
  std::string weighting;  // empty: fixed if a task names a weight, else equal
  double weighting_lr = 0.025;
  optim::WeightingOptions weighting_options;
  std::vector<std::string> primary;  // of auto-lambda
  bool single = false;               // each task alone, too

  void declare(CLI::App& app);
  // After parsing: reads the task file, or that of the run to be continued, takes its settings where the command line says
  // nothing, and checks that they fit together.
  TaskFile settle(CLI::App& app);

 private:
  void fit(const TaskFile& file);
};

}  // namespace multitask
