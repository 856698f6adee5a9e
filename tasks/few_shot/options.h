// What `few_shot train` can be told.
#pragma once

#include "tasks/few_shot/episodes.h"
#include "tasks/model/build.h"
#include "tasks/objective/robust_options.h"
#include "tasks/run/options.h"

namespace few_shot {

struct TrainOptions {
  std::string tasks, method = "fomaml";
  std::vector<std::string> hold_out;
  EpisodeSize size;
  long episodes = 4, inner_steps = 5;
  double inner_lr = 0.1, label_smoothing = 0;
  model::BuildOptions model;
  run::TrainingOptions training;
  objective::ShapingOptions shaping;
  objective::RobustOptions robust;

  TrainOptions();
  void declare(run::Options& options);
  void settle(run::Options& options);  // after parsing
  bool reptile() const { return method == "reptile"; }
  bool joint() const { return method == "joint"; }

 private:
  void declare_episodes(run::Options& options);
};

}  // namespace few_shot
