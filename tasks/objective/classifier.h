// What the training of a text classifier can be told, and its milestones: for programs that differ in the loss only.
#pragma once

#include "tasks/model/build.h"
#include "tasks/model/evaluate.h"
#include "tasks/objective/retention.h"
#include "tasks/objective/robust.h"
#include "tasks/objective/shaping.h"
#include "tasks/run/training.h"

namespace objective {

struct ClassifierOptions {
  spec::DataFiles files;
  model::BuildOptions model;
  run::TrainingOptions training;
  ShapingOptions shaping;
  RobustOptions robust;
  RetentionOptions retention;
  std::string head = "label";
  double label_smoothing = 0;
  std::string class_weights = "none";
  std::string metric = "macro_f1";

  ClassifierOptions() { model.model = "auto"; }
  void declare(run::Options& options, const std::string& task);
  void declare_learning(run::Options& options);                 // all but where a run goes
  void settle(run::Options& options, const std::string& task);  // after parsing

  nn::Predicts predicts() const { return spec::head_named(head); }
  // The one task, without a name, with its texts.    Error: as tasks/spec says; --patience without dev examples
  // Labels that nobody named are those of the model directory's classifier, or `known`, or those of the data.
  spec::TaskSet load(const text::Labels& known = {}) const;
  // What was left open - model, passes, patience - by the texts, said in one line; options.ini has what was decided.
  void decide(run::Options& options, spec::TaskSet& set);
  // The texts as ids; a model that begins with log odds gets them.
  void encode(spec::TaskSet& set, model::TextModel& model) const;
  // `more`: what else the run reads, that it must not write over.
  run::Frame frame(const run::Options& options, const text::Batches& batches, const spec::TaskSet& set,
                   const model::TextModel& model, const RetentionLearning& retention,
                   const std::vector<std::string>& more = {}) const;
};

// Measures an epoch on the dev set, keeps the model if it is the best so far; without a dev set or a metric, the latest.
void finish_epoch(run::Training& training, const model::TextModel& model, const spec::TaskSet& set,
                  const std::string& metric);
// The best epoch's model on the test set: the last words of a run, and its result.json.
void finish_run(const run::Training& training, const std::string& task, const spec::TaskSet& set,
                const ClassifierOptions& o);

}  // namespace objective
