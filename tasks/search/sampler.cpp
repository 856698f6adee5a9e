// TPE, random and grid. Read tasks/search/sampler.h first, then tasks/search/parzen.h: the estimators.
#include "tasks/search/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <tuple>

#include "engine/base.h"
#include "engine/random.h"
#include "tasks/text/labels.h"

namespace search {

using engine::check;

void SamplerOptions::require_valid(const std::string& who) const {
  const std::vector<std::string> names{"tpe", "random", "grid"};
  check(std::find(names.begin(), names.end(), name) != names.end(), "{}: '{}' is not one of {}{}", who,
        engine::shown(name), text::listed(names), text::did_you_mean(name, names));
}

long below_count(long n) { return std::min(long(std::ceil(0.1 * double(n))), 25L); }

namespace {

// Smaller is better: complete before pruned, a longer trial before a shorter one, then by value.
std::tuple<double, double> rank_of(const Trial& t, double sign) {
  const double infinity = std::numeric_limits<double>::infinity();
  if (t.state == State::complete) return {-infinity, sign * *t.value};
  if (t.reports.empty()) return {1, 0};
  const auto& [step, value] = *t.reports.rbegin();
  return {-double(step), std::isnan(value) ? infinity : sign * value};
}

bool has(const Trial& t, const std::vector<std::string>& names, const std::vector<Distribution>& domain) {
  for (size_t i = 0; i < names.size(); ++i) {
    const auto at = t.values.find(names[i]);
    if (at == t.values.end() || !domain[i].contains(at->second)) return false;
  }
  return true;
}

constexpr long kRedrawn = 10;

}  // namespace

Split split(const std::vector<const Trial*>& trials, Direction direction, bool running) {
  const double sign = direction == Direction::maximize ? -1 : 1;
  Split result;
  std::vector<const Trial*> order;
  for (const Trial* t : trials)
    if (t->state == State::pruned || (t->state == State::complete && t->value && !std::isnan(*t->value)))
      order.push_back(t);
  result.n = long(order.size());
  std::stable_sort(order.begin(), order.end(),
                   [&](const Trial* a, const Trial* b) { return rank_of(*a, sign) < rank_of(*b, sign); });
  const auto middle = order.begin() + below_count(result.n);
  result.below.assign(order.begin(), middle);
  result.above.assign(middle, order.end());
  if (running)
    for (const Trial* t : trials)
      if (t->state == State::running) result.above.push_back(t);
  for (auto* part : {&result.below, &result.above})
    std::sort(part->begin(), part->end(), [](const Trial* a, const Trial* b) { return a->number < b->number; });
  return result;
}

size_t best_candidate(const std::vector<double>& log_l, const std::vector<double>& log_g) {
  size_t best = 0;
  for (size_t i = 1; i < log_l.size(); ++i)
    if (log_l[i] - log_g[i] > log_l[best] - log_g[best]) best = i;
  return best;
}

Sampler::Sampler(SamplerOptions options, Space space, uint64_t seed, Direction direction)
    : o_(std::move(options)), space_(std::move(space)), seed_(seed), direction_(direction) {
  if (o_.name != "grid") return;
  lay_grid(0, {});
  const std::vector<int> order =
      engine::permutation(int(grid_.size()), engine::Random{seed_, engine::Stream::sample, 0, 1});
  std::vector<Values> shuffled;
  for (const int i : order) shuffled.push_back(grid_[size_t(i)]);
  grid_ = std::move(shuffled);
}

void Sampler::lay_grid(size_t from, Values values) {
  constexpr size_t kMost = 1'000'000;
  while (from < space_.parameters.size() && !Space::asked(space_.parameters[from], values)) ++from;
  check(grid_.size() < kMost, "sampler: a grid over this space has more than {} points", kMost);
  if (from == space_.parameters.size()) return grid_.push_back(values);
  const Parameter& p = space_.parameters[from];
  const Distribution& d = p.distribution;
  const bool stepped = d.step > 0 && !p.points;
  check(stepped || p.points > 0 || d.single(), "space.{}: for a grid it needs `step` or `points`", p.name);
  const long points = d.single() ? 1 : stepped ? std::lround((d.high - d.low) / d.step) + 1 : p.points;
  double before = std::numeric_limits<double>::quiet_NaN();
  for (long i = 0; i < points; ++i) {
    const double part = points > 1 ? double(i) / double(points - 1) : 0;
    const double x = stepped ? d.low + double(i) * d.step
                     : d.log ? std::exp(std::log(d.low) + part * (std::log(d.high) - std::log(d.low)))
                             : d.low + part * (d.high - d.low);
    values[p.name] = d.nearest(x);
    if (values[p.name] != before) lay_grid(from + 1, values);
    before = values[p.name];
  }
}

Values Sampler::sample(long number, const std::vector<const Trial*>& trials, const Values& given) const {
  if (o_.name == "grid") {
    Values values = grid_[size_t(number) % grid_.size()];
    for (const auto& [name, value] : given) values[name] = value;
    return values;
  }
  Values values;
  for (long attempt = 0; attempt <= kRedrawn; ++attempt) {
    values = draw(number, attempt, trials, given);
    const auto same = [&](const Trial* t) { return t->values == values; };
    if (std::none_of(trials.begin(), trials.end(), same)) break;
  }
  return values;
}

Values Sampler::draw(long number, long attempt, const std::vector<const Trial*>& trials, const Values& given) const {
  const Split parts = o_.name == "tpe" ? split(trials, direction_, o_.joint) : Split{};
  const bool model = o_.name == "tpe" && parts.n >= o_.startup;
  Values values = given;
  if (model && o_.joint) jointly(parts, Draws(seed_, number, engine::hash_of("joint"), attempt), values);
  for (const Parameter& p : space_.parameters) {
    if (values.count(p.name)) continue;
    if (!Space::asked(p, values)) continue;
    Draws draws(seed_, number, engine::hash_of(p.name), attempt);
    values[p.name] = model ? by_tpe(p, parts, draws) : at_random(p.distribution, draws);
  }
  return values;
}

double Sampler::at_random(const Distribution& d, Draws& draws) const {
  const double u = draws.next(), half = d.step / 2;
  const double low = d.low - half, high = d.high + half;
  return d.nearest(d.log ? std::exp(std::log(low) + u * (std::log(high) - std::log(low))) : low + u * (high - low));
}

std::vector<double> Sampler::choose(const std::vector<Distribution>& domain, const std::vector<std::string>& names,
                                    const Split& trials, Draws& draws) const {
  const ParzenOptions options{
      .bandwidth = o_.joint ? Bandwidth::latest : Bandwidth::optuna_3_1, .several = o_.joint, .unscaled = !o_.joint};
  const auto estimator = [&](const std::vector<const Trial*>& part) {
    std::vector<std::vector<double>> seen;
    for (const Trial* t : part) {
      if (!has(*t, names, domain)) continue;
      std::vector<double>& row = seen.emplace_back();
      for (const std::string& name : names) row.push_back(t->values.at(name));
    }
    return Parzen(domain, seen, options);
  };
  const Parzen l = estimator(trials.below), g = estimator(trials.above);
  std::vector<std::vector<double>> points;
  for (long i = 0; i < o_.candidates; ++i) points.push_back(l.draw(draws));
  return points[best_candidate(l.log_densities(points), g.log_densities(points))];
}

double Sampler::by_tpe(const Parameter& p, const Split& trials, Draws& draws) const {
  if (p.distribution.single()) return p.distribution.low;
  return choose({p.distribution}, {p.name}, trials, draws)[0];
}

// What is always asked, in one draw; what depends on a choice comes after it, by itself.
void Sampler::jointly(const Split& trials, Draws draws, Values& values) const {
  std::vector<Distribution> domain;
  std::vector<std::string> names;
  for (const Parameter& p : space_.parameters)
    if (p.parent.empty() && !values.count(p.name) && !p.distribution.single()) {
      domain.push_back(p.distribution);
      names.push_back(p.name);
    }
  if (names.empty()) return;
  const std::vector<double> chosen = choose(domain, names, trials, draws);
  for (size_t i = 0; i < names.size(); ++i) values[names[i]] = chosen[i];
}

}  // namespace search
