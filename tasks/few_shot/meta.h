// The commands of few-shot learning: `meta` trains an encoder on a pool of tasks so that it learns new ones from few
// examples; `few-shot` measures how well it does.
#pragma once

#include "tasks/run/console.h"

namespace few_shot {

void train_command(CLI::App& app, const run::Parse& parse);
void evaluate_command(CLI::App& app, const run::Parse& parse);

// The mean of a sample and half the width of its 95 % confidence interval, by Student's t with n - 1 degrees of freedom:
// t s / sqrt(n). Of a single number the half width is 0.
struct Interval {
  double mean = 0, half = 0;
};
Interval interval_95(const std::vector<double>& sample);

}  // namespace few_shot
