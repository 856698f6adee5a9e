// Median, percentile, successive halving and Hyperband. Read tasks/search/pruner.h first.
#include "tasks/search/pruner.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>

#include "engine/base.h"
#include "tasks/text/labels.h"

namespace search {
namespace {

constexpr const char* kRung = "completed_rung_";

uint32_t crc32(const std::string& bytes) {
  uint32_t crc = ~0u;
  for (const char byte : bytes) {
    crc ^= uint8_t(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0xEDB88320u : 0);
  }
  return ~crc;
}

// The first that was complete and had reported tells how long trials are.
std::optional<long> first_length(const std::vector<Trial>& trials, const std::function<bool(const Trial&)>& counts) {
  const Trial* first = nullptr;
  for (const Trial& t : trials)
    if (t.state == State::complete && !t.reports.empty() && counts(t) && (!first || t.finished < first->finished))
      first = &t;
  return first ? first->last_step() : std::nullopt;
}

long power(long base, long exponent) {
  long result = 1;
  while (exponent-- > 0 && result < (1L << 40)) result *= base;
  return result;
}

}  // namespace

double percentile_of(std::vector<double> values, double percent) {
  std::erase_if(values, [](double v) { return std::isnan(v); });
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::sort(values.begin(), values.end());
  const double at = double(values.size() - 1) * percent / 100;
  const size_t below = size_t(at), above = std::min(below + 1, values.size() - 1);
  const double t = at - double(below), gap = values[above] - values[below];
  return t >= 0.5 ? values[above] - gap * (1 - t) : values[below] + gap * t;
}

void PrunerOptions::require_valid(const std::string& who) const {
  using engine::check;
  const std::vector<std::string> names{"none", "median", "percentile", "halving", "hyperband"};
  check(std::find(names.begin(), names.end(), name) != names.end(), "{}: '{}' is not one of {}{}", who,
        engine::shown(name), text::listed(names), text::did_you_mean(name, names));
  check(max == 0 || max >= std::max(1L, min), "{}: max {} is below min {}", who, max, min);
  check(bootstrap == 0 || name != "halving" || min > 0, "{}: bootstrap needs min", who);
  check(bootstrap == 0 || name != "hyperband" || max > 0, "{}: bootstrap needs max", who);
}

Pruner::Pruner(PrunerOptions options, Direction direction, std::string study)
    : o_(std::move(options)), direction_(direction), study_(std::move(study)) {}

Decision Pruner::decide(const std::vector<Trial>& trials, const Trial& trial) const {
  if (trial.reports.empty() || o_.name == "none") return {};
  if (o_.name == "median" || o_.name == "percentile") return percentile(trials, trial);
  if (o_.name == "halving") return halving(trials, trial, o_.min, o_.rate, 0);
  if (budgets(trials).empty()) return {};
  const long own = bracket(trials, trial.number);
  return halving(trials, trial, std::max(1L, o_.min), own, own);
}

Decision Pruner::percentile(const std::vector<Trial>& trials, const Trial& trial) const {
  const bool most = direction_ == Direction::maximize;
  const long step = *trial.last_step();
  std::vector<double> others;
  long complete = 0;
  for (const Trial& t : trials) {
    if (t.state != State::complete) continue;
    ++complete;
    if (const auto at = t.reports.find(step); at != t.reports.end()) others.push_back(at->second);
  }
  if (complete == 0 || complete < o_.startup || step < o_.warmup) return {};
  long before = -1;
  for (const auto& [s, value] : trial.reports)
    if (s != step) before = std::max(before, s);
  if (before >= (step - o_.warmup) / o_.interval * o_.interval + o_.warmup) return {};  // not the first of its interval
  double best = std::numeric_limits<double>::quiet_NaN();
  for (const auto& [s, value] : trial.reports)
    if (!std::isnan(value) && (std::isnan(best) || (most ? value > best : value < best))) best = value;
  if (std::isnan(best)) return {.prune = true};
  if (long(others.size()) < o_.min_trials) return {};
  const double bound = percentile_of(others, most ? 100 - o_.percentile : o_.percentile);
  return {.prune = most ? best < bound : best > bound};  // nothing is below or above what is no number
}

Decision Pruner::halving(const std::vector<Trial>& trials, const Trial& trial, long min, long rate, long own) const {
  const auto competes = [&](const Trial& t) { return o_.name != "hyperband" || bracket(trials, t.number) == own; };
  const auto attribute = [](long rung) { return kRung + std::to_string(rung); };
  const auto kept = [&](long rung) {  // of the reports before this one
    const auto at = trial.reports_before.find(attribute(rung));
    return trial.system.contains(attribute(rung)) &&
           (at == trial.reports_before.end() || at->second < trial.reports.size());
  };
  const long step = *trial.last_step();
  const double value = trial.reports.at(step);
  if (min == 0) {
    const std::optional<long> length = first_length(trials, competes);
    if (!length) return {};
    min = std::max(1L, *length / 100);
  }
  Decision decision;
  long rung = 0;
  while (kept(rung)) ++rung;
  for (;; ++rung) {
    if (step < min * power(o_.factor, rate + rung)) return decision;
    decision.prune = true;
    if (std::isnan(value)) return decision;
    decision.rungs.emplace_back(attribute(rung), value);
    std::vector<double> values{value};
    for (const Trial& t : trials)
      if (t.id != trial.id && competes(t) && t.system.contains(attribute(rung)))
        values.push_back(t.system[attribute(rung)].get<double>());
    if (long(values.size()) <= o_.bootstrap) return decision;
    std::sort(values.begin(), values.end());
    if (direction_ == Direction::maximize) std::reverse(values.begin(), values.end());
    const size_t last = size_t(std::max(1L, long(values.size()) / o_.factor) - 1);  // the last that goes on
    if (direction_ == Direction::maximize ? value < values[last] : value > values[last]) return decision;
    decision.prune = false;
  }
}

std::vector<long> Pruner::budgets(const std::vector<Trial>& trials) const {
  if (o_.name != "hyperband") return {};
  long most = o_.max;
  if (most == 0) {
    const std::optional<long> length = first_length(trials, [](const Trial&) { return true; });
    if (!length) return {};
    most = *length + 1;
  }
  const double least = double(std::max(1L, o_.min));
  const long brackets = long(std::floor(std::log(double(most) / least) / std::log(double(o_.factor)))) + 1;
  std::vector<long> all;
  for (long s = brackets - 1; s >= 0; --s)
    all.push_back(long(std::ceil(double(brackets * power(o_.factor, s)) / double(s + 1))));
  return all;
}

long Pruner::bracket(const std::vector<Trial>& trials, long number) const {
  const std::vector<long> all = budgets(trials);
  long total = 0;
  for (const long b : all) total += b;
  if (total == 0) return 0;
  long n = long(crc32(fmt::format("{}_{}", study_, number)) % uint32_t(total));
  for (size_t b = 0; b < all.size(); ++b)
    if ((n -= all[b]) < 0) return long(b);
  return 0;
}

}  // namespace search
