// Samplers on functions whose minimum is known: how good the best of so many trials is, seed by seed.
#pragma once

#include <functional>

#include "tasks/run/arguments.h"
#include "tasks/run/console.h"
#include "tasks/search/sampler.h"

namespace tune {

struct Function {
  const char* name;
  search::Space space;
  std::function<double(const search::Values&)> value;  // to be made small
  double minimum;
};
// Branin, Hartmann's of six variables, Ackley's of five off its centre, a space with a choice that others depend on,
// and one like that of a training run. measured/functions.py has the same five.
std::vector<Function> functions();

// The lowest of `trials` values that a sampler finds.
double best_found(const Function& f, const search::SamplerOptions& sampler, uint64_t seed, long trials);

void compare_command(run::Options& options, const run::Parse& parse);

}  // namespace tune
