// Trials as processes: what the program of a trial says while it runs, and the loop that keeps so many of them going.
#pragma once

#include <memory>
#include <optional>

#include "engine/base.h"

#include "tasks/tune/process.h"
#include "tasks/tune/study_file.h"

namespace tune {

struct Setup {
  std::vector<std::string> command;  // the program and its options
  std::string out;                   // DIR: journal.log, trials/N (the program's), trials/N.txt (what it said)
  std::string metric;
  search::Direction direction = search::Direction::maximize;
  long trials = 50, jobs = 1;

  std::string directory(long number) const { return fmt::format("{}/trials/{}", out, number); }
};

// The numbers at `metric` in a log of JSON lines, one a line that has it, as far as the lines are whole.
class LogReader {
 public:
  LogReader(std::string file, std::string metric) : file_(std::move(file)), metric_(std::move(metric)) {}
  std::vector<double> fresh();               // since the last call; from the first one on where the file has begun anew
  bool begun_anew() const { return anew_; }  // in the last call
  std::vector<std::string> names() const;    // of all numbers in it that could have been meant

 private:
  std::string file_, metric_;
  size_t offset_ = 0;
  bool anew_ = false;
};

// Runs trials until there are so many, or a signal asks to stop. Error: what every trial would fail by: wrong usage of
// the program, a metric that nobody reports, three failures and no success.
void run_trials(search::Study& study, const Setup& setup);

}  // namespace tune
