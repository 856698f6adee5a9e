// Alerts: what becomes of a test that rejects, bin after bin. Knows no texts and no clock but the number of a bin.
#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "nn/format/json_value.h"

namespace monitor {

// Labels identify an alert, sorted by name: {{"alertname", "Negative"}, {"topic", "markets"}}.
using Labels = std::vector<std::pair<std::string, std::string>>;

// As Prometheus and Alertmanager have it: FNV-1a over names and values, each followed by a byte 255; sixteen digits.
std::string fingerprint_of(const Labels& labels);

struct Cycle {
  int hits = 1, of = 1;  // fires when so many of the last so many bins rejected
  int calm = 3;          // resolves after so many bins in a row that are quiet
};

enum class State { inactive, pending, firing, no_data };
const char* name_of(State state);

// One alert. `reject`: the test is below its level. `quiet`: it is above ten times that; what is between the two
// neither fires nor resolves (hysteresis). A bin about which nothing is known does not resolve anything either.
struct Alert {
  Labels labels;
  State state = State::inactive, before_gap = State::inactive;
  std::deque<bool> recent = {};
  int calm = 0;
  long first = 0, fired = 0;  // bins: of the first rejection, of the firing

  // What has happened: "pending", "firing", "resolved", "no data", "data again", or nothing.
  std::string step(const Cycle& cycle, long bin, bool reject, bool quiet);
  std::string gap();  // a bin without data
  bool is_firing() const { return state == State::firing || (state == State::no_data && before_gap == State::firing); }

  nn::json saved() const;
  void restore(const nn::json& saved);
};

}  // namespace monitor
