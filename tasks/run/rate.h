// Rate: how much a step gets through in a second, from where the object is made.
#pragma once

#include <chrono>
#include <cmath>

namespace run {

class Rate {
 public:
  void add(double n) { sum_ += n; }
  double per_second() const { return std::round(sum_ / seconds()); }
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count(); }

 private:
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  double sum_ = 0;
};

}  // namespace run
