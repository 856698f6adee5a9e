// Shares: of n texts in a bin k hold; when that is more than usual, whatever n is.
#pragma once

#include <deque>
#include <vector>

#include "tasks/score/distributions.h"

namespace detect {

struct ShareOptions {
  double half_life = 672;  // bins
  int gap = 2;
  std::vector<int> windows = {1, 4};
  double prior = 20;  // texts that speak for the usual share of all series
};

struct ShareJudged {
  double expected = 0;  // the usual share
  double p = 1;         // that so many or more hold by chance, by the most surprising window, times their number
  double z = 0;         // the bin's own place in what was foretold, as a standard normal value; 0 of no text
  int window = 1;
  double held = 0, texts = 0;  // of that window
};

// k of n texts is beta-binomial of mean q and strength s, so that its parameters are s q and s (1 - q):
//   q   = (sum d^i k_i + prior q0) / (sum d^i n_i + prior),   up to `gap` bins ago; q0: the share of all series
//   s   one of a few guesses, weighted by its likelihood over all bins so far, as in Dispersion: texts of one bin are
//       about one event, and agree with each other more than with the share of the month
//   p   = W min over windows w of P(K > k) + P(K = k) / 2
class Shares {
 public:
  explicit Shares(ShareOptions options = {});

  double usual(double pooled) const;
  ShareJudged judge(long held, long texts, double pooled, double u) const;
  void take(long held, long texts, double pooled, bool learn);  // as Seasonal::take
  void skip() { recent_.clear(); }

  std::vector<double> state() const;
  void restore(const std::vector<double>& state);

 private:
  struct Waiting {
    long held = 0, texts = 0;
    double q = 0;
    bool learn = true;
  };
  score::Tails tails(long held, long texts, double q) const;

  ShareOptions o_;
  double held_ = 0, texts_ = 0;
  std::vector<double> log_weights_;
  std::deque<Waiting> waiting_;
  std::deque<std::pair<long, long>> recent_;
};

// The bound h of a one-sided CUSUM of standard normal values with the allowance k > 0 whose runs between false alarms
// have the mean length `run_length` (Siegmund 1985):  run_length = (e^(2 k b) - 2 k b - 1) / (2 k^2),  b = h + 1.166.
double cusum_bound(double k, double run_length);

}  // namespace detect
