// NAB: how good alarms are on a real series with marked anomalies, by the rule of the Numenta Anomaly Benchmark.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace monitor {

// A series of counts with the windows of its anomalies, first and last row each.
struct Marked {
  std::string name;
  std::vector<long> times, counts;                  // [n]: seconds
  std::vector<std::pair<long, long>> windows = {};  // rows
};
// `series`: CSV with header timestamp,value. `windows`: JSON, name of the file -> [[begin, end], ...].
Marked read_marked(const std::string& series, const std::string& windows);

// Lavin, Ahmad 2015, standard profile, not yet normalised, and how many alarms were outside of all windows. Rows before
// the first min(15 %, 750) do not count. With s(x) = 2 / (1 + e^(5 x)) - 1:
//   the earliest alarm in a window [b, e] of width w = e - b + 1   s(-(e - i + 1) / w) / s(-1)      none: -1
//   an alarm outside   0.11 s((i - e') / (w' - 1)), e' and w' of the window before; -0.11 without one or beyond 3
struct NabScore {
  double score = 0;
  long windows = 0, found = 0, false_alarms = 0;
  void add(const NabScore& other);
  double normalised() const { return windows ? 100 * (score + double(windows)) / (2 * double(windows)) : 0; }
};
NabScore nab_score(const Marked& series, const std::vector<long>& alarms);

}  // namespace monitor
