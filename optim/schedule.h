// Learning-rate schedules: the factor f(s) of the rate at step s = 0, 1, ... of T, after W steps of warm-up. The first
// update uses f(0), which is 0 when there is a warm-up, as in the published fine-tuning programs.
#pragma once

#include <string>

#include "engine/base.h"

namespace optim {

enum class ScheduleKind { constant, linear, cosine, inverse_sqrt, polynomial };
ScheduleKind schedule_kind(const std::string& name);

struct Schedule {
  ScheduleKind kind = ScheduleKind::linear;
  double lr = 1e-3;      // the peak
  long steps = 1;        // T
  long warmup = 0;       // W
  double cycles = 0.5;   // cosine: half a wave down to 0
  double power = 1;      // polynomial
  double end_lr = 1e-7;  // polynomial: where it ends
  long timescale = 0;    // inverse_sqrt: 0 stands for W, or 10000 without a warm-up

  double operator()(long step) const;  // lr * f(step)
};

}  // namespace optim
