// How long a run lasts: steps, tokens, passes over the corpus or hours; and what follows from the share that is used.
#pragma once

#include <string>

namespace pretrain {

struct Budget {
  long steps = 0;
  double tokens = 0, seconds = 0;  // 0: not limited by it; one of the three is
  // How much is used, from 0; at 1 the run is over.
  double used(long steps_done, double tokens_done, double seconds_done) const;
};

// The tokens of a step grow from `first` linearly to `last` until the share `until` is used.
long step_tokens(double used, long first, long last, double until);

// When to measure: every so many steps ("500"), minutes ("10m"), or a tenth of the budget ("").
class Interval {
 public:
  explicit Interval(const std::string& text);
  bool is_due(long steps_done, double minutes, double used);  // at most once for each interval
  // Where it stands, for a run that is continued.
  double last() const { return last_; }
  void continue_from(double last) { last_ = last; }

 private:
  enum class Unit { steps, minutes, budget } unit_ = Unit::budget;
  double every_ = 0.1, last_ = 0;  // last_: intervals that are over
};

}  // namespace pretrain
