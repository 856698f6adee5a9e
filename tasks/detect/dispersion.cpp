// A mixture of negative binomials, weighted by what they have foretold. The formulas stand in dispersion.h.
#include "tasks/detect/dispersion.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/base.h"

namespace detect {

using engine::check;

namespace {

struct Guess {
  double over, inverse_size;
  double variance(double m) const { return m * (1 + over) + m * m * inverse_size; }
};
constexpr std::array<Guess, 24> kGuesses{{{0, 0},    {0.1, 0},  {0.25, 0}, {0.45, 0}, {0.7, 0},  {1, 0},
                                          {1.5, 0},  {2, 0},    {2.7, 0},  {3.5, 0},  {4.5, 0},  {6, 0},
                                          {9, 0},    {14, 0},   {25, 0},   {45, 0},   {0, 0.01}, {0, 0.03},
                                          {0, 0.07}, {0, 0.15}, {0, 0.3},  {0, 0.6},  {0, 1.2},  {0, 3}}};
constexpr double kShortest = 50;     // half-life
constexpr double kForgotten = 1e-3;  // a guess of less weight than this part of the best one's says nothing

}  // namespace

double log_probability(long x, double mean, double variance) {
  const double n = double(x);
  if (!(variance > mean)) return n * std::log(mean) - mean - std::lgamma(n + 1);
  const double r = mean * mean / (variance - mean);
  return std::lgamma(r + n) - std::lgamma(r) - std::lgamma(n + 1) - r * std::log1p(mean / r) +
         n * std::log(mean / (r + mean));
}

Dispersion::Dispersion(double half_life) : half_life_(half_life), log_weights_(kGuesses.size(), 0) {
  check(half_life > 0, "Dispersion: the half-life is above 0; got {}", half_life);
}

void Dispersion::learn(long x, double mean, double weight) {
  check(x >= 0 && mean > 0, "Dispersion: a count of 0 or more and a mean above 0; got {} and {}", x, mean);
  seen_ += weight;
  const double d = std::exp2(-weight / std::min(half_life_, std::max(kShortest, seen_ / 3)));
  for (size_t h = 0; h < kGuesses.size(); ++h)
    log_weights_[h] = d * log_weights_[h] + weight * log_probability(x, mean, kGuesses[h].variance(mean));
  const double most = *std::max_element(log_weights_.begin(), log_weights_.end());
  for (double& w : log_weights_) w -= most;
}

namespace {

// Calls body(weight, variance) for the guesses that count; the weights sum to 1.
template <class Body>
void mixed(const std::vector<double>& log_weights, double mean, Body body) {
  double sum = 0;
  for (const double w : log_weights)
    if (std::exp(w) >= kForgotten) sum += std::exp(w);
  for (size_t h = 0; h < kGuesses.size(); ++h)
    if (std::exp(log_weights[h]) >= kForgotten) body(std::exp(log_weights[h]) / sum, kGuesses[h].variance(mean));
}

}  // namespace

score::Tails Dispersion::tails(long x, double mean) const {
  check(x >= 0 && mean > 0, "Dispersion: a count of 0 or more and a mean above 0; got {} and {}", x, mean);
  score::Tails sum{0, 0, 0, 0};
  mixed(log_weights_, mean, [&](double w, double variance) {
    const score::Tails t = variance > mean ? score::negative_binomial_tails(x, mean, mean * mean / (variance - mean))
                                           : score::poisson_tails(x, mean);
    sum.upper += w * t.upper;
    sum.lower += w * t.lower;
    sum.mid += w * t.mid;
    sum.at += w * t.at;
  });
  return {std::min(1., sum.upper), std::min(1., sum.lower), std::min(1., sum.mid), std::min(1., sum.at)};
}

double Dispersion::variance(double mean) const {
  double sum = 0;
  mixed(log_weights_, mean, [&](double w, double variance) { sum += w * variance; });
  return sum;
}

double Dispersion::log_of_zero(double mean) const {
  double sum = 0;
  mixed(log_weights_, mean,
        [&](double w, double variance) { sum += w * std::exp(log_probability(0, mean, variance)); });
  return std::log(std::max(sum, 1e-300));
}

std::vector<double> Dispersion::state() const {
  std::vector<double> x = log_weights_;
  x.push_back(seen_);
  return x;
}

void Dispersion::restore(const std::vector<double>& state) {
  check(state.size() == log_weights_.size() + 1, "Dispersion: {} numbers; got {}", log_weights_.size() + 1,
        state.size());
  std::copy(state.begin(), state.end() - 1, log_weights_.begin());
  seen_ = state.back();
}

}  // namespace detect
