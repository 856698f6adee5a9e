// Seasonal: counts whose ordinary level goes with the hour of the week, and when one is out of the ordinary.
#pragma once

#include <deque>

#include "tasks/detect/dispersion.h"

namespace detect {

struct SeasonalOptions {
  int slots = 168;     // of a week
  int day_slots = 24;  // of a day; 1 where a bin is a day or longer
  double bins_a_slot = 1;
  double level_half_life = 336;       // bins
  double season_half_life = 8;        // weeks
  int gap = 2;                        // bins that pass before a count becomes a part of what is ordinary
  std::vector<int> windows = {1, 4};  // bins; the sums over the last so many are judged
};

// What is thought of a count before it becomes a part of the baseline.
struct Judged {
  double expected = 0, low = 0, high = 0;  // of the bin alone, with an interval that holds 95 %
  double p = 1;    // that so much or more comes by chance, by the most surprising window, times their number
  double z = 0;    // the bin's own place in what was foretold, as a standard normal value
  int window = 1;  // the most surprising one, what is in it and what was expected there
  double seen = 0, ordinary = 0;
};

// Forecast of bin t in slot s(t), from the counts up to t - gap - 1:
//   m_t = L f_s,   L = sum_i d^(t-i) y_i / sum_i d^(t-i) f_s(i)                the level, of the last weeks
//   f_s = day-of-week factor x hour-of-day factor x factor of the slot, each  (S + k) / (E + k),
//         S the counts there, E what the level (and the two other factors) would give, both in units of the dispersion
//   p   = W min over windows w of P(X > x) + P(X = x) / 2,   x the sum of the last w counts; a Dispersion for each w:
//         with the mid-p of Lancaster (1961) small counts have false alarms as often as large ones
//   z   = Phi^-1(P(X < y) + u P(X = y)),  u in (0, 1): exactly standard normal, if the forecasts are right
// A count that is not to be learned (an alert fires) leaves level, season and dispersion as they are.
class Seasonal {
 public:
  explicit Seasonal(SeasonalOptions options = {});

  double forecast(int slot) const;  // above 0
  Judged judge(int slot, long count, double u) const;
  // The next bin. `learn` false: neither this one nor those that wait in the gap become ordinary.
  void take(int slot, long count, bool learn);
  void skip();  // a bin about which nothing is known: windows begin anew
  double log_of_zero(double mean) const { return spread_[0].log_of_zero(mean); }
  double bins() const { return bins_; }  // learned so far

  std::vector<double> state() const;
  void restore(const std::vector<double>& state);  // Error: of other options

 private:
  struct Waiting {
    int slot = 0;
    long count = 0;
    double expected = 0;
    bool learn = true;
    std::vector<double> counts, means;  // of the windows that end with it; a mean of 0: there is none
  };
  void learn(const Waiting& w);
  void find_factors();
  Waiting next(int slot, long count) const;

  SeasonalOptions o_;
  double sum_ = 0, weight_ = 0, bins_ = 0;  // of the level
  std::vector<double> slot_sum_, slot_bins_, factor_;
  std::vector<Dispersion> spread_;                // of each window
  std::deque<Waiting> waiting_;                   // the last bins, the newest behind
  std::deque<std::pair<double, double>> recent_;  // count and forecast of the last bins, for the windows
};

}  // namespace detect
