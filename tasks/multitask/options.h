// What `multitask train` can be told, on the command line or in the task file: an option --batch-size is there the key
// batch_size.
#pragma once

#include "optim/several/weighting.h"
#include "tasks/model/build.h"
#include "tasks/multitask/sampling.h"
#include "tasks/objective/retention.h"
#include "tasks/objective/robust_options.h"
#include "tasks/run/options.h"

namespace multitask {

// The embedded corpus' sentiment and topic: a task file that works, printed by `multitask example`.
extern const char* const kExample;

struct TrainOptions {
  std::string tasks;  // the task file; empty: kExample
  model::BuildOptions model;
  run::TrainingOptions training;
  objective::ShapingOptions shaping;
  objective::RobustOptions robust;
  objective::RetentionOptions retention;
  SamplingOptions sampling;
  std::string weighting;  // empty: fixed if a task names a weight, else equal
  double weighting_lr = 0.025;
  optim::WeightingOptions weighting_options;
  std::vector<std::string> primary;  // of auto-lambda
  bool single = false;               // each task alone, too

  void declare(run::Options& options);
  // After parsing: reads the task file, or that of the run to be continued, takes its settings where the command line
  // says nothing, and checks that they fit together.
  spec::TaskFile settle(run::Options& options);

 private:
  void declare_tasks(run::Options& options);
  void declare_weighting(run::Options& options);
  void settle_weighting(const spec::TaskFile& file);
  void check_steps(const spec::TaskFile& file) const;
};

}  // namespace multitask
