// What every training program can be told about its steps and its run. What it learns from, the model and the terms of
// the loss have options of their own, where they act.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace run {

class Options;

struct TrainingOptions {
  // passes
  double epochs = 5;
  long max_steps = 0;
  int batch_size = 16, accumulate = 1;
  long patience = 0;
  bool no_shuffle = false;
  uint64_t seed = 42;
  // steps
  std::optional<double> lr;  // where it is not given: Frame::default_lr, which --help states in these words
  std::string lr_default = "2e-5 for a model directory or as its fine-tune.ini says, 2e-4 for bert, 2e-3 for pool";
  std::string schedule = "linear";
  double warmup = 0.1;
  std::string optimizer = "adamw", adam_variant = "torch";
  double momentum = 0.9, beta1 = 0.9, beta2 = 0.999, weight_decay = 0.01;
  std::optional<double> adam_eps;
  double clip = 1.0;
  std::string on_nan = "stop";
  std::vector<std::string> freeze, lr_of;
  // run
  std::string out, resume, events;
  bool overwrite = false;

  // `task` names the program in the default directory of a run.
  void declare(Options& options, const std::string& task);
  // Its parts, for programs whose steps are not passes over one training set, and for what is no run of its own.
  void declare_passes(Options& options);
  void declare_steps(Options& options);  // rate, optimiser, clipping, freezing
  void declare_run(Options& options, const std::string& task);
  // After parsing: the options of the run in --resume, if it is given, and a directory for this one. Usage error: of a
  // new run, an option that nothing reads; `complete` false: the program sets others yet, and calls check_used().
  void settle(Options& options, const std::string& task, bool complete = true);
  void check_batch() const;          // usage error: texts of a step that an int does not count
  long steps(long per_epoch) const;  // as --epochs or --max-steps say, one at least
};

}  // namespace run
