// Two runs on the same test texts: what the second gains, and whether that could be chance.
#pragma once

#include "tasks/report/run_files.h"
#include "tasks/score/proportions.h"

namespace report {

struct Gain {
  std::string figure;  // "accuracy", "macro_f1"; of numbers "mae", of which less is better
  double first = 0, second = 0;
  score::Bootstrap bootstrap;  // of second - first, by the same resampled texts (Efron, Tibshirani 1993)
};
struct Comparison {
  std::string impossible;  // why there is none; empty: here it is
  std::vector<Gain> gains;
  long only_first = 0, only_second = 0;  // texts that one of them alone has right
  score::McNemar mcnemar;                // of labels
};
// Error: fewer than one resample.
Comparison compare(const RunFiles& first, const RunFiles& second, long resamples, uint64_t seed = 42);

}  // namespace report
