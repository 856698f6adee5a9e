// EventLog: what a run writes for TensorBoard, and when: its settings, every number of the log, how weights and
// gradients are spread. It takes a share of the run's time that nobody notices.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/tensor.h"
#include "nn/format/json_value.h"
#include "tasks/events/summary.h"
#include "tasks/events/writer.h"

namespace run {

struct TrainingOptions;

// Where the events of these options go: nowhere (""), DIR, or OUT/events for "auto".
std::string event_directory(const TrainingOptions& options);
// Error, before anything is replaced: it cannot be written; it lies inside the run's directory under a name of its own;
// it has the events of another run, unless this one continues or overwrites it.
void check_event_directory(const TrainingOptions& options);

class EventLog {
 public:
  // `options`: the run's, as in options.ini. `next_step`, from 1: what the directory has from it on is taken back; at 1
  // what is there goes altogether.
  EventLog(const std::string& directory, const std::string& options, long next_step);

  // Numbers as scalars: one of the figures themselves is train/NAME, one of an object in them OBJECT/NAME.
  void figures(long step, const nn::ordered_json& figures);
  void add(long step, const std::vector<events::Proto>& values);
  // They reach the file within a second, or now; before a checkpoint, which says that its steps are done.
  void flush();
  // Histograms weights/NAME and gradients/NAME; after the backward of a step, before its update.
  void parameters(long step, const std::vector<engine::Tensor>& tensors);
  // Does `work`, whose name this is, unless it takes more than 1/1000 of the time since it was last done.
  void sparingly(const std::string& name, const std::function<void()>& work);
  double seconds() const { return std::chrono::duration<double>(spent_).count(); }  // that all of this has taken
  // The run is over, as TensorBoard's table of runs says.
  void end(events::Status status);

 private:
  using Clock = std::chrono::steady_clock;
  struct Done {
    Clock::time_point at;
    Clock::duration took;
  };
  // While the outermost of them lives, its time is this log's.
  class Timed {
   public:
    explicit Timed(EventLog& log) : log_(log), begun_(Clock::now()) { ++log_.timed_; }
    ~Timed() {
      if (--log_.timed_ == 0) log_.spent_ += Clock::now() - begun_;
    }
    Timed(const Timed&) = delete;

   private:
    EventLog& log_;
    Clock::time_point begun_;
  };
  int timed_ = 0;
  Clock::duration spent_{};
  events::Writer writer_;
  Clock::time_point flushed_ = Clock::now();
  std::map<std::string, Done> done_;
};

}  // namespace run
