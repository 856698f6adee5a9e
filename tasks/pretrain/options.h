// What `pretrain train` can be told, and the corpus that its files make.
#pragma once

#include "tasks/pretrain/budget.h"
#include "tasks/pretrain/learner.h"
#include "tasks/run/training.h"

namespace pretrain {

struct Options {
  run::TrainOptions common;  // of it: files, model and sizes, rate, schedule, optimiser, seed, directories
  std::vector<std::string> without;
  double dev_share = 0.01;
  std::string objective = "mlm", hide = "piece", eval_every;
  double mask_share = 0.15, generator_size = 0.25, detection_weight = 50;
  long step_tokens = 4096, first_step_tokens = 0, part_tokens = 2048;
  double grow_until = 0.6, hours = 0, max_tokens = 0, beta1 = 0.9, beta2 = 0.98;

  Options();
  void declare(CLI::App& app);
  LearnerOptions learner() const;
  Budget budget(double tokens_per_epoch) const;
  optim::Optimizer optimizer(const std::vector<Tensor>& parameters) const;

 private:
  void declare_data(CLI::App& app);
  void declare_objective(CLI::App& app);
  void declare_budget(CLI::App& app);
  void declare_optimizer(CLI::App& app);
};

// Train and held-out sequences of all files, and, when the options name no vocabulary and no model directory, a
// vocabulary learned from the same texts. What was read and left out is said on stderr.
struct Data {
  text::Corpus train, dev;
};
text::WordPiece make_tokenizer(const Options& o);
Data read_data(const Options& o, const text::WordPiece& tokenizer);

}  // namespace pretrain
