// What the tests of monitor share: a stream whose moods are known, the events in what was said.
#pragma once

#include "tests/support/programs.h"

namespace test {

// Sixty days of two topics, hour by hour, with moods that are known: a surge of bad news on day 40, a decoy of volume
// on day 50. Every text differs. Between two hours nothing comes.
inline std::string labelled_stream(long hole = -1, long hole_end = -1) {
  std::string lines;
  uint32_t dice = 12345;
  const auto roll = [&] { return (dice = dice * 1664525 + 1013904223) >> 8; };
  for (long hour = 0; hour < 60 * 24; ++hour)
    for (const std::string topic : {"rail", "bread"}) {
      const bool surge = topic == "rail" && hour / 24 == 40, decoy = topic == "bread" && hour / 24 == 50;
      if (hour >= hole && hour < hole_end) continue;
      const long bad = (surge ? 9 : decoy ? 3 : 1) * long(roll() % 3), other = (decoy ? 3 : 1) * long(roll() % 5);
      for (long i = 0; i < bad + other; ++i)
        lines += fmt::format("{{\"time\":{},\"text\":\"{} {} {} {}\",\"topic\":\"{}\",\"sentiment\":\"{}\"}}\n",
                             1704067200 + hour * 3600 + i * 60, roll(), roll(), roll(), roll(), topic,
                             i < bad ? "negative" : "other");
    }
  return lines;
}

inline std::vector<nn::json> events_said(const std::string& output) {
  std::vector<nn::json> events;
  std::istringstream in(output);
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("{")) events.push_back(nn::json::parse(line));
  return events;
}

inline const std::string kQuiet = " --labelled --lateness 0s 2>/dev/null";

}  // namespace test
