// Beta-binomial shares with a strength that is learned, and the bound of a chart. The formulas stand in shares.h.
#include "tasks/detect/shares.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/base.h"

namespace detect {

using engine::check;

namespace {
constexpr std::array<double, 10> kStrengths{2, 4, 8, 16, 32, 64, 150, 400, 1500, 20000};
constexpr double kFaded = 1e-3;      // a strength of less weight than this part of the best one's says nothing
constexpr double kMostTexts = 1e12;  // that a state may tell of
}  // namespace

Shares::Shares(ShareOptions options) : o_(std::move(options)), log_weights_(kStrengths.size(), 0) {
  check(o_.gap >= 0 && !o_.windows.empty() && o_.prior > 0, "Shares: a gap of 0 or more, a window, a prior above 0");
}

double Shares::usual(double pooled) const {
  return std::clamp((held_ + o_.prior * pooled) / (texts_ + o_.prior), 1e-4, 1 - 1e-4);
}

score::Tails Shares::tails(long held, long texts, double q) const {
  double sum = 0;
  for (const double w : log_weights_)
    if (std::exp(w) >= kFaded) sum += std::exp(w);
  score::Tails all{0, 0, 0, 0};
  for (size_t h = 0; h < kStrengths.size(); ++h) {
    if (std::exp(log_weights_[h]) < kFaded) continue;
    const double w = std::exp(log_weights_[h]) / sum, s = kStrengths[h];
    const score::Tails t = score::beta_binomial_tails(held, texts, s * q, s * (1 - q));
    all.upper += w * t.upper;
    all.lower += w * t.lower;
    all.mid += w * t.mid;
    all.at += w * t.at;
  }
  return all;
}

ShareJudged Shares::judge(long held, long texts, double pooled, double u) const {
  check(held >= 0 && held <= texts, "Shares: of n texts 0 to n hold; got {} of {}", held, texts);
  ShareJudged j;
  j.expected = usual(pooled);
  for (size_t i = 0; i < o_.windows.size(); ++i) {
    if (long(recent_.size()) < o_.windows[i] - 1) continue;
    long k = held, n = texts;
    for (int back = 1; back < o_.windows[i]; ++back) {
      k += recent_[recent_.size() - size_t(back)].first;
      n += recent_[recent_.size() - size_t(back)].second;
    }
    if (n == 0) continue;
    const score::Tails t = tails(k, n, j.expected);
    if (i == 0) j.z = score::normal_quantile(std::clamp(t.lower - t.at + u * t.at, 1e-12, 1 - 1e-12));
    const double p = std::min(1., t.mid * double(o_.windows.size()));
    if (p >= j.p) continue;
    j.p = p;
    j.window = o_.windows[i];
    j.held = double(k);
    j.texts = double(n);
  }
  return j;
}

void Shares::take(long held, long texts, double pooled, bool learn) {
  recent_.emplace_back(held, texts);
  while (long(recent_.size()) >= *std::max_element(o_.windows.begin(), o_.windows.end())) recent_.pop_front();
  waiting_.push_back({held, texts, usual(pooled), true});
  if (!learn)
    for (Waiting& w : waiting_) w.learn = false;
  for (; waiting_.size() > size_t(o_.gap); waiting_.pop_front()) {
    const Waiting& w = waiting_.front();
    if (!w.learn) continue;
    const double d = std::exp2(-1 / o_.half_life);
    held_ = held_ * d + double(w.held);
    texts_ = texts_ * d + double(w.texts);
    if (w.texts == 0) continue;
    for (size_t h = 0; h < kStrengths.size(); ++h) {
      const double s = kStrengths[h], at = score::beta_binomial_tails(w.held, w.texts, s * w.q, s * (1 - w.q)).at;
      log_weights_[h] = d * log_weights_[h] + std::log(std::max(at, 1e-300));
    }
    const double most = *std::max_element(log_weights_.begin(), log_weights_.end());
    for (double& weight : log_weights_) weight -= most;
  }
}

std::vector<double> Shares::state() const {
  std::vector<double> x{held_, texts_, double(recent_.size()), double(waiting_.size())};
  x.insert(x.end(), log_weights_.begin(), log_weights_.end());
  for (const auto& [k, n] : recent_) x.insert(x.end(), {double(k), double(n)});
  for (const Waiting& w : waiting_) x.insert(x.end(), {double(w.held), double(w.texts), w.q, double(w.learn)});
  return x;
}

void Shares::restore(const std::vector<double>& x) {
  const size_t fixed = 4 + log_weights_.size();
  const bool whole = x.size() >= fixed && x[2] >= 0 && x[3] >= 0 && x[2] == std::floor(x[2]);
  check(whole && double(x.size() - fixed) == 2 * x[2] + 4 * x[3], "Shares: a state of other options");
  held_ = x[0];
  texts_ = x[1];
  std::copy(x.begin() + 4, x.begin() + long(fixed), log_weights_.begin());
  recent_.clear();
  waiting_.clear();
  size_t at = fixed;
  const auto held_and_texts = [&] {
    const bool counts = x[at] >= 0 && x[at] <= x[at + 1] && x[at + 1] <= kMostTexts;
    check(counts, "Shares: of n texts 0 to n hold; got {} of {}", x[at], x[at + 1]);
    return std::pair(long(x[at]), long(x[at + 1]));
  };
  for (; double(recent_.size()) < x[2]; at += 2) recent_.push_back(held_and_texts());
  for (; at < x.size(); at += 4) {
    const auto [held, texts] = held_and_texts();
    check(x[at + 2] > 0 && x[at + 2] < 1, "Shares: a share between 0 and 1; got {}", x[at + 2]);
    waiting_.push_back({held, texts, x[at + 2], x[at + 3] != 0});
  }
}

double cusum_bound(double k, double run_length) {
  check(k > 0 && run_length > 1, "cusum_bound: an allowance above 0 and runs longer than 1; got {} and {}", k,
        run_length);
  double low = 0, high = 1;
  const auto length = [&](double h) { return std::expm1(2 * k * (h + 1.166)) / (2 * k * k) - (h + 1.166) / k; };
  while (length(high) < run_length) high *= 2;
  for (int i = 0; i < 60; ++i) (length((low + high) / 2) < run_length ? low : high) = (low + high) / 2;
  return low;
}

}  // namespace detect
