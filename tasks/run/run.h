// Run: everything about a training run that is not mathematics. Its directory:
//   options.ini            the effective options; `--config options.ini` starts the same run again
//   log.jsonl              one JSON object a step (loss, lr, grad_norm, ...) and one an evaluation
//   best/                  the best model so far; a BERT's is a directory that Hugging Face tools read
//   last.safetensors       parameters, optimiser state and position: what --resume continues from
//   previous.safetensors   the checkpoint before, for the case that the last one is damaged
//   result.json            the final figures
//   cost.json              what the steps took: seconds, milliseconds of a step, memory
//   events/                with --events auto: what TensorBoard shows
//   replaced/              with --overwrite: what the run before left, until this one has its first checkpoint
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "nn/format/json_value.h"
#include "nn/params.h"
#include "tasks/run/directory.h"
#include "tasks/run/progress.h"

namespace run {

class EventLog;  // tasks/run/event_log.h

struct Plan {
  Place place;
  std::string options = {};  // for options.ini
  std::string data = {};     // a fingerprint of what is learned from (run/fingerprint.h): another one is not resumed
  long steps = 0;
  long steps_per_epoch = 1;
  // The share that is used of a budget in something else than steps, or nothing; at 1 the run is done.
  std::function<double()> used = nullptr;
  long patience = 0;        // measurements in a row without a better one after which training ends; 0: it never does
  std::string events = {};  // the directory for an event log; empty: there is none
};

class Run {
 public:
  // Takes the directory. From now to the end of the steps SIGINT and SIGTERM only ask to stop.
  explicit Run(const Plan& plan);
  ~Run();
  Run(const Run&) = delete;

  // Goes on to the next step; false when all are done, patience is at its end, or a signal asked to stop. step() counts
  // from 0. When it returns false without a signal, the signals end the program again.
  bool next_step();
  long step() const { return step_; }
  bool epoch_ends() const { return (step_ + 1) % plan_.steps_per_epoch == 0 || used() >= 1; }
  double used() const;  // the share of all steps, or of the budget, that is done
  long steps_per_epoch() const { return plan_.steps_per_epoch; }
  double epoch() const { return double(step_ + 1) / double(plan_.steps_per_epoch); }

  // A line of log.jsonl, after the step's number; numbers also go to the progress line and to the event log.
  void log(const nn::ordered_json& figures);

  // What TensorBoard shows, from the first step on; nullptr without --events.
  EventLog* events() const { return events_.get(); }

  // Throws, naming the step and the tensor, unless every number of them is one.
  void require_finite(const std::vector<engine::Tensor>& tensors) const;

  void note_skipped() { ++skipped_; }  // this step changes nothing
  long skipped() const { return skipped_; }

  // Whether this value of the metric is the best so far (higher is better).
  bool is_best(double metric);
  double best() const { return best_; }
  // save(directory) writes a model that takes the place of best/ as a whole.
  void replace_best(const std::function<void(const std::string& directory)>& save) const;

  // Tensors and position into last.safetensors; and back, bit for bit. A damaged one is said and the one before it is
  // taken; without any, the run starts over. Error: another plan, other data, other shapes.
  void save(const std::vector<engine::Tensor>& tensors) const;
  void restore(const std::vector<engine::Tensor>& tensors);
  // Five minutes have passed since the last one, or an epoch ends and the last one was quick or long ago: where epochs
  // are shorter than it takes to write a large model, writing it each time would be most of the work.
  bool due_for_save() const;

  // After a signal ended the steps: leave() ends the program with status 128 + signal and says how to continue.
  bool interrupted() const;
  [[noreturn]] void leave() const;

  void pause();                       // ends the progress line; the next log() draws a new one
  void say(const std::string& text);  // prints a line on stderr between two drawings of the progress line
  const std::string& id() const { return directory_.id(); }
  std::string file(const std::string& name) const { return directory_.file(name); }
  bool has(const std::string& name) const { return directory_.has(name); }
  double seconds() const;

 private:
  void open_log();
  void write_cost() const;
  long progress_total() const;
  long progress_done() const;
  void restore_from(const std::string& file, const std::vector<engine::Tensor>& tensors);
  void take_position(const nn::ordered_json& state, const std::string& file);

  Plan plan_;
  Directory directory_;
  long step_ = -1;
  double best_;
  long skipped_ = 0;        // steps without an update
  long since_best_ = 0;     // measurements that were not better
  bool listening_ = false;  // to the signals
  int log_ = -1;            // log.jsonl, open
  std::unique_ptr<EventLog> events_;
  std::vector<float> step_seconds_;  // of this process's steps
  std::optional<Progress> progress_;
  std::chrono::steady_clock::time_point start_, step_begun_;
  mutable std::chrono::steady_clock::time_point saved_;
  mutable double save_seconds_ = 0;  // that the last checkpoint took
  double seconds_before_ = 0;        // of the runs that this one continues
};

// Whether SIGINT or SIGTERM has asked to stop since the last Run began: for programs that go on after one.
bool stop_requested();

// runs/TASK-20260131-235959, for those who name no directory.
std::string default_directory(const std::string& task);

}  // namespace run
