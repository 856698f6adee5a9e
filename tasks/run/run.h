// Run: everything about a training run that is not mathematics. Its directory:
//   options.ini        the effective options; `--config options.ini` starts the same run again
//   log.jsonl          one JSON object a step (loss, lr, grad_norm, ...) and one an evaluation
//   best/              the best model so far; a BERT's is a directory that Hugging Face tools read
//   last.safetensors   parameters, optimiser state and position: what --resume continues from
//   result.json        the final figures
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "nn/params.h"
#include "optim/optimizer.h"
#include "tasks/run/progress.h"

namespace run {

struct Plan {
  std::string directory;
  bool overwrite = false;  // an output directory that is not empty is refused otherwise
  bool resume = false;     // continue from its last.safetensors
  std::string options;     // for options.ini
  long steps = 0;
  long steps_per_epoch = 1;
  long patience = 0;  // measurements in a row without a better one after which training ends; 0: it never does
};

class Run {
 public:
  explicit Run(const Plan& plan);
  ~Run();
  Run(const Run&) = delete;

  // Goes on to the next step; false when all are done, patience is at its end, or a signal asked to stop. step() counts
  // from 0.
  bool next_step();
  long step() const { return step_; }
  bool epoch_ends() const { return (step_ + 1) % plan_.steps_per_epoch == 0 || step_ + 1 == plan_.steps; }
  double epoch() const { return double(step_ + 1) / double(plan_.steps_per_epoch); }

  // A line of log.jsonl, after the step's number; numbers also go to the progress line.
  void log(const nlohmann::ordered_json& figures);

  // Throws, naming the step and the oldest tensor that holds a NaN or infinity, unless the loss is a number.
  void require_finite(const engine::Tensor& loss) const;

  // Whether this value of the metric is the best so far (higher is better).
  bool is_best(double metric);
  double best() const { return best_; }

  // Parameters, optimiser and position into last.safetensors, in one atomic step; and back.
  // `position`: what else the caller's place in its data is made of; restore() gives it back.
  void save(const std::vector<engine::Tensor>& parameters, const optim::Optimizer& optimizer,
            const nlohmann::ordered_json& position) const;
  void save(const std::vector<engine::Tensor>& parameters, const optim::Optimizer& optimizer) const;
  nlohmann::ordered_json restore(const std::vector<engine::Tensor>& parameters, optim::Optimizer& optimizer);
  bool due_for_save() const;  // five minutes have passed since the last one

  // After a signal ended the loop: leave() ends the program with status 128 + signal and says how to continue.
  bool interrupted() const;
  [[noreturn]] void leave() const;

  void pause();                       // ends the progress line; the next log() draws a new one
  void say(const std::string& text);  // prints a line on stderr between two drawings of the progress line
  std::string file(const std::string& name) const { return plan_.directory + "/" + name; }
  double seconds() const;

 private:
  Plan plan_;
  long step_ = -1;
  double best_;
  long since_best_ = 0;  // measurements that were not better
  int lock_ = -1;        // on the directory, while this run writes to it
  std::FILE* log_ = nullptr;
  std::optional<Progress> progress_;
  std::chrono::steady_clock::time_point start_;
  mutable std::chrono::steady_clock::time_point saved_;
  double seconds_before_ = 0;  // of the runs that this one continues
};

// runs/TASK-20260131-235959, for those who name no directory.
std::string default_directory(const std::string& task);

}  // namespace run
