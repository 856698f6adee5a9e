// A progress line in the manner of tqdm: redrawn in place on a terminal, a plain line every ten seconds otherwise.
#pragma once

#include <chrono>
#include <string>

namespace run {

class Progress {
 public:
  // total -1: nobody knows. `unit`: of what is counted a second.
  Progress(std::string description, long total, long done = 0, std::string unit = "it");
  ~Progress();
  Progress(const Progress&) = delete;

  void update(long done, const std::string& postfix = "");  // redraws at most ten times a second
  void begin_at(long done);  // so much was there already: it does not count for the speed
  void interrupt();          // ends the line, so that something else can be printed; the next update draws a new one

 private:
  using Clock = std::chrono::steady_clock;
  void draw();

  std::string description_, postfix_, unit_;
  long total_, first_, done_;
  bool terminal_;
  bool open_ = false;  // a line has been drawn and not ended
  Clock::time_point start_, last_;
};

// MM:SS, or H:MM:SS from an hour on.
std::string clock_text(double seconds);

// One line, without the cursor's return: `train:  30%|###       | 3/10 [00:05<00:11,  1.67s/it, loss=0.5]`;
// without a total `train: 3it [00:05,  1.67s/it, loss=0.5]`.
std::string progress_line(const std::string& description, long first, long done, long total, double seconds,
                          const std::string& postfix, const std::string& unit = "it");

}  // namespace run
