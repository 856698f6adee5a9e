// Process: a program that runs beside this one, into a file, and that ends when this one does.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "tasks/run/stopwatch.h"

namespace tune {

class Process {
 public:
  // Starts words[0], which is looked for beside this program, then as the shell does, with what it says appended to the
  // file `output`. Waits while a process of an earlier call still writes there: one that is saving. `threads` above 0:
  // so many of them for it, unless OMP_NUM_THREADS is set. `stale`, if named, is a file of that earlier process, removed
  // once it writes no more. Error: there is no such program.
  Process(const std::vector<std::string>& words, const std::string& output, int threads, const std::string& stale = "");
  ~Process();  // asks it to stop, and waits
  Process(const Process&) = delete;

  bool over();                            // without waiting
  int status() const { return status_; }  // once it is over: its exit status, or 128 + the signal that ended it
  void stop();                            // SIGTERM; half a minute later, by over(), SIGKILL

 private:
  pid_t pid_ = -1;
  int status_ = -1;
  std::optional<run::Stopwatch> stopped_;
};

// The path of the program that a command names.    Error: none
std::string find_program(const std::string& name);

}  // namespace tune
