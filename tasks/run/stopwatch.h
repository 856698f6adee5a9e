// How long something takes, by a clock that nobody sets.
#pragma once

#include <chrono>

namespace run {

class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }  // since it was made

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

}  // namespace run
