// Series: what is known of one topic, or of one name: bins of texts, what is ordinary in them, its alerts.
#pragma once

#include <deque>
#include <map>

#include "tasks/detect/seasonal.h"
#include "tasks/detect/shares.h"
#include "tasks/monitor/alerts.h"

namespace monitor {

struct Shown {
  double weight = 0;  // how much it counts: how probably it is of the topic, and negative
  long time = 0, line = 0;
  std::string text = {}, source = {};
};

// The texts of one series in one bin that is still open.
struct Cell {
  double texts = 0, negatives = 0;         // by the most probable label
  double sum_topic = 0, sum_negative = 0;  // of calibrated probabilities
  std::vector<Shown> shown = {};           // the three that count most, the first before the others

  void show(Shown one);  // keeps it if it is one of the three
  nn::json saved() const;
  static Cell restored(const nn::json& saved);
};

// A bin that is closed.
struct Point {
  long bin = 0;
  bool known = true;                // false: no data
  double texts = 0, negatives = 0;  // corrected by the confusion on dev
  double sum_topic = 0, sum_negative = 0;
  double expected = 0, low = 0, high = 0;                      // of texts, with an interval that holds 95 %
  double share = 0, share_low = 0, share_high = 1, usual = 0;  // of negatives (Wilson), and what is usual
  std::string alerts = {};                                     // names of those that fire
  std::vector<Shown> shown = {};
};

struct Series {
  std::string kind, name;  // topic, entity, or stream: all of it
  detect::Seasonal volume, negatives;
  detect::Shares share;
  double drift = 0;                          // CUSUM of the share's z
  long last_seen = 0;                        // bin of the last text
  std::map<std::string, Alert> alerts = {};  // by name
  std::deque<Point> history = {};

  Series(std::string k, std::string n, const detect::SeasonalOptions& seasonal, const detect::ShareOptions& shares)
      : kind(std::move(k)), name(std::move(n)), volume(seasonal), negatives(seasonal), share(shares) {}

  bool firing() const;
  double uniform(long bin) const;                   // in (0, 1), by the series' name and the bin alone
  void skip();                                      // a bin about which nothing is known
  std::vector<Shown> strongest(size_t bins) const;  // the three texts that count most in the last bins

  nn::json saved() const;
  void restore(const nn::json& saved);
};

nn::json to_json(const Shown& shown);

}  // namespace monitor
