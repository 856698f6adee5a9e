// Budgets and what depends on them. Nothing to read before.
#include "tasks/pretrain/budget.h"

#include <charconv>
#include <cmath>

#include "engine/base.h"

namespace pretrain {

using engine::check;

double Budget::used(long steps_done, double tokens_done, double seconds_done) const {
  if (steps) return double(steps_done) / double(steps);
  return tokens > 0 ? tokens_done / tokens : seconds_done / seconds;
}

long step_tokens(double used, long first, long last, double until) {
  if (used >= until) return last;
  return first + std::lround(double(last - first) * used / until);
}

Interval::Interval(const std::string& text) {
  if (text.empty()) return;
  const bool minutes = text.ends_with('m');
  const char* end = text.data() + text.size() - minutes;
  const auto [stop, error] = std::from_chars(text.data(), end, every_);
  check(error == std::errc() && stop == end && every_ > 0 && every_ < 1e9,
        "--eval-every is a number of steps, as 500, or of minutes, as 10m; got '{}'", text);
  check(minutes || every_ == std::floor(every_), "--eval-every: {} steps are no whole number", text);
  unit_ = minutes ? Unit::minutes : Unit::steps;
}

bool Interval::is_due(long steps_done, double minutes, double used) {
  const double now = unit_ == Unit::steps ? double(steps_done) : unit_ == Unit::minutes ? minutes : used;
  const double intervals = std::floor(now / every_ + 1e-9);
  if (intervals <= last_) return false;
  last_ = intervals;
  return true;
}

}  // namespace pretrain
