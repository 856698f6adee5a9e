// What `answer train` can be told.
#pragma once

#include "tasks/answer/reader.h"
#include "tasks/model/build.h"
#include "tasks/objective/retention.h"
#include "tasks/objective/robust_options.h"
#include "tasks/run/training.h"

namespace answer {

// What an assistant decides by; recorded in the run's answer.json, and options of every command that asks one.
struct Promises {
  std::string detector = "both";  // of kDetectors, tasks/answer/scope.h
  double refuse = 0.05;           // the share of questions in scope that may be refused
  double ask = 0.1;               // the share of questions whose intent may be missing among those offered

  void declare(run::Options& options);
};
// The same where what was recorded stands unless a command says otherwise.
struct OtherPromises {
  std::optional<std::string> detector;
  std::optional<double> refuse, ask;

  void declare(run::Options& options);
};

struct TrainOptions {
  std::string data, split = "75/17/8";
  bool no_hints = false;
  double leave_out = 0;  // share of the intents
  double contrast = 1, contrast_temperature = 0.1;
  double articles = 0.2, wording = 2;
  long articles_batch = 16, hard_negatives = 0;
  double label_smoothing = 0;
  Promises promises;
  model::BuildOptions model;
  run::TrainingOptions training;
  objective::ShapingOptions shaping;
  objective::RobustOptions robust;  // of the head of intents
  objective::RetentionOptions retention;

  TrainOptions();
  void declare(run::Options& options);
  void settle(run::Options& options);  // after parsing
  // What was left open, the passes, by how much there is to learn (objective::choose_passes).
  void decide(run::Options& options, long questions, long intents);
  // What --data names, or the shop that the program carries inside.
  Knowledge load() const;
};

// The shop: tasks/data/shop, questions that are none of its business.
Knowledge embedded_shop();
std::vector<std::string> embedded_out_of_scope();

}  // namespace answer
