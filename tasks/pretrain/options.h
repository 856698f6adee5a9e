// What `pretrain train` can be told, and the corpus that its files make.
#pragma once

#include "tasks/objective/shaping.h"
#include "tasks/pretrain/budget.h"
#include "tasks/pretrain/learner.h"
#include "tasks/run/training.h"
#include "tasks/spec/data_options.h"

namespace pretrain {

struct Options {
  model::BuildOptions model;
  run::TrainingOptions training;  // its batches are of so many tokens
  spec::DataOptions files;
  objective::ShapingOptions shaping;
  objective::TransferOptions transfer;
  std::vector<std::string> train, dev, without;
  double dev_share = 0.01;
  std::string objective = "mlm", hide = "piece", start = "drawn", eval_every;
  double mask_share = 0.15, generator_size = 0.25, detection_weight = 50;
  long stack = 0;
  long first_step_tokens = 0;
  double grow_until = 0.6, hours = 0, max_tokens = 0;

  Options();
  void declare(run::Options& options);
  void settle(run::Options& options);  // after parsing. Error: what does not go together
  LearnerOptions learner() const;
  Budget budget(double tokens_per_epoch) const;
  long tokens_of_step(double used) const;  // at this share of the budget
  long tokens_a_step() const { return long(training.batch_size) * training.accumulate; }
  std::vector<std::string> inputs() const;  // every file and folder that is read

 private:
  void declare_data(run::Options& options);
  void declare_objective(run::Options& options);
  void declare_budget(run::Options& options);
};

// FILE or FILE=WEIGHT; a file whose very name ends so is a file.
struct Source {
  std::string path;
  double weight = 1;
};
Source source_of(const std::string& spec);

struct Data {
  text::Corpus train, dev;
};
// Of --vocab, or learned from the texts.
text::WordPiece make_tokenizer(const Options& o);
// Train and held-out sequences of all files; what was read and left out is said on stderr.
Data read_data(const Options& o, const text::WordPiece& tokenizer);

}  // namespace pretrain
