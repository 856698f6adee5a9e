// Training: what is the same in every training loop, called in plain sight: schedule, optimiser, directory, resume,
// norm, clipping, the update, the log, signals. The mathematics of a step stands in the program's loop:
//
//   run::Training training(options, params, {...});
//   while (training.next_step()) {              // false at the end; a signal ends the program with all saved
//     for (part : batches.parts_at(training.step())) {
//       run::Terms terms;
//       terms.add("cross_entropy", 1, loss of the part);
//       training.backward(terms, part.share);   // adds to every parameter's gradient
//     }
//     training.update();                        // norm, clipping, the weights change, a line of the log
//     if (training.epoch_ends()) training.keep_best(merit on dev, save the model);
//   }
#pragma once

#include <functional>
#include <optional>

#include "nn/format/json_value.h"
#include "optim/optimizer.h"
#include "optim/schedule.h"
#include "tasks/run/fingerprint.h"
#include "tasks/run/options.h"
#include "tasks/run/run.h"
#include "tasks/run/terms.h"
#include "tasks/text/batches.h"

namespace run {

// What a program says of its run.
struct Frame {
  std::string options = {};  // for options.ini: Options::effective()
  long steps_per_epoch = 1;
  double default_lr = 1e-3;                       // the peak where --lr is not given
  std::vector<engine::Tensor> also_trained = {};  // beside the parameters of the model: projections
  std::vector<engine::Tensor> also_saved = {};    // what else a checkpoint must hold: state of a weighting
  // Parameters that something else than the optimiser moves, in the loop, before update() clears their gradients.
  std::function<bool(const std::string& name)> own_steps = nullptr;
  // The share that is used of a budget in tokens or hours, where steps are not what is counted, and more steps than it
  // can take: the rate follows it, and at 1 the run ends.
  std::function<double()> used = nullptr;
  long most_steps = 0;
  std::string unit = "texts";                            // what a batch consists of
  std::function<std::string(long row)> where = nullptr;  // the name of a row: reviews.tsv:217
  std::string data = {};                       // Fingerprint::text() of what is learned from: resume refuses other data
  std::vector<std::string> inputs = {};        // files and directories that the run reads: not to be replaced by it
  std::vector<std::string> also_written = {};  // names beside a run's own in its directory: "single", "tasks.json"
};

class Training {
 public:
  // Freezes what the options say, makes optimiser and schedule, takes the directory, and resumes if the options say so.
  // Error: nothing is left to train; other options, data or shapes than those of the run that is continued.
  Training(const TrainingOptions& options, nn::Params& params, const Frame& frame);

  // Ends the step before (checkpoint where one is due), then goes on to the next: dropout on, with its masks. False
  // when all steps are done or patience is at its end; after a signal everything is saved and the program ends.
  bool next_step();
  long step() const { return run_.step(); }  // from 0
  long steps() const { return steps_; }
  double epoch() const { return run_.epoch(); }
  bool epoch_ends() const { return run_.epoch_ends(); }

  // The gradient of sum(terms) * share is added to every parameter's; `rows` are what was read for it. Nothing happens
  // in a step that is given up.
  void backward(const Terms& terms, double share = 1, const engine::Indices& rows = {});
  // For programs that walk the graph themselves: what the step's loss was, and its terms.
  void note_loss(double loss, const nn::ordered_json& terms = {});

  // Whether this loss is a number; whether every number of every gradient is. If not, the step is given up: an Error
  // that names step, rows and the first tensor to blame; with --on-nan skip a warning, and a step without an update.
  bool sound(const engine::Tensor& loss, const engine::Indices& rows = {});
  bool sound();
  long skipped() const { return run_.skipped(); }  // steps, in all

  // Norm of all gradients, clipping, the optimiser's step at this step's rate, gradients cleared, dropout off, a line
  // of log.jsonl: loss, lr, grad_norm, the terms (unless there is one only, of weight 1) and `more`. Returns whether
  // the weights have moved: not in a step that is given up.
  bool update(const nn::ordered_json& more = {});
  double part_of_peak() const;  // this step's learning rate, as a part of its peak

  // After a measurement on dev (higher is better), or without one: save(directory) writes the model beside the best one
  // so far, which it replaces as a whole. Returns whether it was the best. Error: a weight that is not finite; nothing
  // is replaced then, nor by the checkpoints of next_step().
  bool keep_best(std::optional<double> merit, const std::function<void(const std::string& directory)>& save);
  double best() const { return run_.best(); }
  std::string best_directory() const { return run_.file("best"); }

  Run& run() { return run_; }  // log lines, sentences between two drawings of the progress line, seconds
  const Run& run() const { return run_; }

 private:
  void require_finite_weights() const;
  void save() const;
  std::string texts_of(const engine::Indices& rows) const;
  void give_up(const std::string& why, const engine::Indices& rows);

  TrainingOptions options_;
  nn::Params& params_;
  Frame frame_;
  long steps_;
  std::vector<engine::Tensor> trained_, saved_;  // saved_: with the optimiser's state
  optim::Optimizer optimizer_;
  optim::Schedule schedule_;
  double rate_ = 0;  // of this step
  Run run_;
  double loss_ = 0;
  nn::ordered_json terms_;
  bool open_ = false;  // a step has begun whose end has not been seen to
  bool given_up_ = false;
  std::optional<double> norm_;  // of the gradients, as long as none is added
  engine::Indices rows_;        // that the step has read
};

// The texts of each step together: parts_at() cuts them into those that --accumulate adds up. `train` outlives them.
text::Batches batches_of(const text::EncodedSet& train, const TrainingOptions& options);

}  // namespace run
