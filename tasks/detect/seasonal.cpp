// Level, season and dispersion, each learned bin by bin. Read tasks/detect/dispersion.h first; the formulas stand in
// seasonal.h.
#include "tasks/detect/seasonal.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/base.h"

namespace detect {

using engine::check;

namespace {

constexpr double kDayPrior = 4, kSlotPrior = 30;  // k of the factors: counts, over the dispersion, that speak for 1
constexpr double kLeast = 1e-3;                   // of a forecast
constexpr double kInterval = 0.025;

double factor(double sum, double expected, double prior) { return (sum + prior) / (expected + prior); }

}  // namespace

Seasonal::Seasonal(SeasonalOptions options)
    : o_(std::move(options)),
      slot_sum_(size_t(o_.slots), 0),
      slot_bins_(size_t(o_.slots), 0),
      factor_(size_t(o_.slots), 1) {
  check(o_.slots > 0 && o_.day_slots > 0 && o_.slots % o_.day_slots == 0 && o_.gap >= 0 && !o_.windows.empty(),
        "Seasonal: slots of a week in whole days, a gap of 0 or more and a window; got {} of {}, {} and {}", o_.slots,
        o_.day_slots, o_.gap, o_.windows.size());
  for (const int w : o_.windows) {
    check(w > 0, "Seasonal: a window is a bin or more; got {}", w);
    spread_.emplace_back();
  }
}

double Seasonal::forecast(int slot) const {
  const double level = (sum_ + 0.5) / (weight_ + 1);
  return std::max(kLeast, level * factor_[size_t(slot)]);
}

Seasonal::Waiting Seasonal::next(int slot, long count) const {
  Waiting w{slot, count, forecast(slot), true, {}, {}};
  for (const int window : o_.windows) {
    double y = double(count), m = w.expected;
    const bool whole = long(recent_.size()) >= window - 1;
    for (long i = 0; whole && i < window - 1; ++i) {
      y += recent_[recent_.size() - 1 - size_t(i)].first;
      m += recent_[recent_.size() - 1 - size_t(i)].second;
    }
    w.counts.push_back(y);
    w.means.push_back(whole ? m : 0);
  }
  return w;
}

Judged Seasonal::judge(int slot, long count, double u) const {
  const Waiting w = next(slot, count);
  Judged j;
  j.expected = w.expected;
  for (size_t i = 0; i < w.means.size(); ++i) {
    if (w.means[i] == 0) continue;
    const score::Tails t = spread_[i].tails(long(w.counts[i]), w.means[i]);
    if (i == 0) j.z = score::normal_quantile(std::clamp(t.lower - t.at + u * t.at, 1e-12, 1 - 1e-12));
    if (i > 0 && t.mid >= j.p) continue;
    j.p = t.mid;
    j.window = o_.windows[i];
    j.seen = w.counts[i];
    j.ordinary = w.means[i];
  }
  j.p = std::min(1., j.p * double(o_.windows.size()));
  // The interval by the quantiles of a Gamma with this mean and variance (Wilson, Hilferty 1931).
  const double v = spread_[0].variance(w.expected), shape = w.expected * w.expected / v,
               z = score::normal_quantile(1 - kInterval);
  const auto quantile = [&](double s) {
    const double c = 1 - 1 / (9 * shape) + s / (3 * std::sqrt(shape));
    return w.expected * std::max(0., c * c * c);
  };
  j.low = quantile(-z);
  j.high = quantile(z);
  return j;
}

void Seasonal::take(int slot, long count, bool learn_it) {
  Waiting w = next(slot, count);
  recent_.emplace_back(double(count), w.expected);
  const size_t most = size_t(*std::max_element(o_.windows.begin(), o_.windows.end()));
  while (recent_.size() >= most) recent_.pop_front();
  waiting_.push_back(std::move(w));
  if (!learn_it)
    for (Waiting& one : waiting_) one.learn = false;
  while (waiting_.size() > size_t(o_.gap)) {
    if (waiting_.front().learn) learn(waiting_.front());
    waiting_.pop_front();
  }
}

void Seasonal::skip() { recent_.clear(); }

void Seasonal::learn(const Waiting& w) {
  for (size_t i = 0; i < spread_.size(); ++i)
    if (w.means[i] > 0) spread_[i].learn(long(w.counts[i]), w.means[i], 1. / o_.windows[i]);
  const size_t s = size_t(w.slot);
  const double fade = std::exp2(-1 / (o_.season_half_life * o_.bins_a_slot));
  slot_sum_[s] = slot_sum_[s] * fade + double(w.count);
  slot_bins_[s] = slot_bins_[s] * fade + 1;
  find_factors();
  const double d = std::exp2(-1 / o_.level_half_life);
  sum_ = sum_ * d + double(w.count);
  weight_ = weight_ * d + factor_[s];
  ++bins_;
}

void Seasonal::find_factors() {
  const size_t hours = size_t(o_.day_slots), days = size_t(o_.slots) / hours;
  const double sum = std::accumulate(slot_sum_.begin(), slot_sum_.end(), 0.);
  const double n = std::accumulate(slot_bins_.begin(), slot_bins_.end(), 0.);
  const double mean = sum / n, unit = mean > 0 ? spread_[0].variance(mean) / mean : 1;
  std::vector<double> hour_sum(hours), hour_bins(hours), day_sum(days), day_bins(days);
  for (size_t s = 0; s < slot_sum_.size(); ++s) {
    hour_sum[s % hours] += slot_sum_[s] / unit, hour_bins[s % hours] += slot_bins_[s] * mean / unit;
    day_sum[s / hours] += slot_sum_[s] / unit, day_bins[s / hours] += slot_bins_[s] * mean / unit;
  }
  for (size_t s = 0; s < slot_sum_.size(); ++s) {
    const double both = factor(hour_sum[s % hours], hour_bins[s % hours], kDayPrior) *
                        factor(day_sum[s / hours], day_bins[s / hours], kDayPrior);
    factor_[s] = both * factor(slot_sum_[s] / unit, slot_bins_[s] * mean / unit * both, kSlotPrior);
  }
}

std::vector<double> Seasonal::state() const {
  std::vector<double> x{sum_, weight_, bins_, double(recent_.size()), double(waiting_.size())};
  const auto add = [&](const std::vector<double>& more) { x.insert(x.end(), more.begin(), more.end()); };
  add(slot_sum_), add(slot_bins_), add(factor_);
  for (const Dispersion& d : spread_) add(d.state());
  for (const auto& [y, m] : recent_) add({y, m});
  for (const Waiting& w : waiting_) {
    add({double(w.slot), double(w.count), w.expected, double(w.learn)});
    add(w.counts), add(w.means);
  }
  return x;
}

void Seasonal::restore(const std::vector<double>& state) {
  size_t at = 0;
  const auto get = [&] {
    check(at < state.size(), "Seasonal: a state of other options");
    return state[at++];
  };
  const auto fill = [&](std::vector<double>& to) {
    for (double& x : to) x = get();
  };
  const auto whole = [&](double most) {
    const double x = get();
    check(x >= 0 && x <= most && x == std::floor(x), "Seasonal: a state with {}, where 0 to {} must be", x, most);
    return long(x);
  };
  sum_ = get(), weight_ = get(), bins_ = get();
  const long recent = whole(double(state.size())), waiting = whole(double(state.size()));
  fill(slot_sum_), fill(slot_bins_), fill(factor_);
  for (Dispersion& d : spread_) {
    std::vector<double> weights(d.state().size());
    fill(weights);
    d.restore(weights);
  }
  recent_.clear(), waiting_.clear();
  for (long i = 0; i < recent; ++i) {
    const double y = get(), m = get();
    recent_.emplace_back(y, m);
  }
  for (long i = 0; i < waiting; ++i) {
    const long slot = whole(double(factor_.size()) - 1), count = whole(1e12);
    const double expected = get(), learn = get();
    const std::vector<double> windows(o_.windows.size());
    Waiting w{int(slot), count, expected, learn != 0, windows, windows};
    fill(w.counts), fill(w.means);
    waiting_.push_back(w);
  }
  check(at == state.size(), "Seasonal: a state of other options");
}

}  // namespace detect
