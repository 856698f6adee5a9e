// The life cycle of one alert. Read alerts.h before.
#include "tasks/monitor/alerts.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base.h"
#include "engine/random.h"

namespace monitor {

std::string fingerprint_of(const Labels& labels) {
  Labels sorted = labels;
  std::sort(sorted.begin(), sorted.end());
  std::string bytes;
  for (const auto& [name, value] : sorted) bytes += name + '\xff' + value + '\xff';
  return fmt::format("{:016x}", engine::hash_of(bytes));
}

const char* name_of(State state) {
  switch (state) {
    case State::inactive:
      return "inactive";
    case State::pending:
      return "pending";
    case State::firing:
      return "firing";
    case State::no_data:
      return "no data";
  }
  return "";
}

std::string Alert::step(const Cycle& cycle, long bin, bool reject, bool quiet) {
  if (state == State::no_data) {
    state = before_gap;
    step(cycle, bin, reject, quiet);
    return state == State::firing ? "data again" : before_gap == State::firing ? "resolved" : "";
  }
  recent.push_back(reject);
  while (long(recent.size()) > cycle.of) recent.pop_front();
  const long hits = std::count(recent.begin(), recent.end(), true);
  calm = quiet ? calm + 1 : 0;
  if (state == State::firing) {
    if (calm < cycle.calm) return "";
    state = State::inactive;
    recent.clear();
    return "resolved";
  }
  if (hits == 0) {
    state = State::inactive;
    return "";
  }
  if (state == State::inactive) first = bin;
  const bool was_pending = state == State::pending;
  state = hits >= cycle.hits ? State::firing : State::pending;
  if (state == State::pending) return was_pending ? "" : "pending";
  fired = bin;
  calm = 0;
  return "firing";
}

std::string Alert::gap() {
  if (state == State::no_data) return "";
  before_gap = state;
  recent.clear();
  if (state != State::firing) {
    state = State::inactive;
    return "";
  }
  state = State::no_data;
  return "no data";
}

nn::json Alert::saved() const {
  return {{"labels", labels}, {"state", int(state)}, {"before_gap", int(before_gap)},
          {"recent", recent}, {"calm", calm},        {"first", first},
          {"fired", fired}};
}

namespace {

State state_of(int number) {
  engine::check(number >= int(State::inactive) && number <= int(State::no_data), "an alert has no state {}", number);
  return State(number);
}

}  // namespace

void Alert::restore(const nn::json& saved) {
  labels = saved.at("labels").get<Labels>();
  state = state_of(saved.at("state"));
  before_gap = state_of(saved.at("before_gap"));
  recent = saved.at("recent").get<std::deque<bool>>();
  calm = saved.at("calm");
  first = saved.at("first");
  fired = saved.at("fired");
}

}  // namespace monitor
