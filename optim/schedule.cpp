// The schedules of transformers/optimization.py. Read optim/schedule.h first.
#include "optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

namespace optim {

ScheduleKind schedule_kind(const std::string& name) {
  static const std::map<std::string, ScheduleKind> kinds{{"constant", ScheduleKind::constant},
                                                         {"linear", ScheduleKind::linear},
                                                         {"cosine", ScheduleKind::cosine},
                                                         {"inverse-sqrt", ScheduleKind::inverse_sqrt},
                                                         {"polynomial", ScheduleKind::polynomial}};
  const auto found = kinds.find(name);
  engine::check(found != kinds.end(), "schedule '{}' is not one of constant, linear, cosine, inverse-sqrt, polynomial",
                name);
  return found->second;
}

// With p = (s - W) / (T - W) after the warm-up, and s / W during it:
//   constant 1    linear (T - s) / (T - W)    cosine (1 + cos(2 pi cycles p)) / 2
//   inverse_sqrt sqrt(scale / (s + scale - W))    polynomial ((lr - end) (1 - p)^power + end) / lr
double Schedule::operator()(long step) const {
  if (step < warmup) return lr * double(step) / double(warmup);
  const double p = double(step - warmup) / double(std::max(1L, steps - warmup));
  switch (kind) {
    case ScheduleKind::constant:
      return lr;
    case ScheduleKind::linear:
      return lr * std::max(0.0, double(steps - step) / double(std::max(1L, steps - warmup)));
    case ScheduleKind::cosine:
      return lr * std::max(0.0, 0.5 * (1 + std::cos(2 * std::numbers::pi * cycles * p)));
    case ScheduleKind::inverse_sqrt: {
      const long scale = timescale ? timescale : warmup ? warmup : 10000;
      return lr * std::sqrt(double(scale) / double(step + scale - warmup));
    }
    case ScheduleKind::polynomial:
      return p >= 1 ? end_lr : (lr - end_lr) * std::pow(1 - p, power) + end_lr;
  }
  return lr;
}

}  // namespace optim
