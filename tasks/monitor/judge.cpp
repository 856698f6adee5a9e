// How a bin is judged when it is closed: counts corrected, tests made, alerts stepped, then learned. Read board.cpp
// before.
#include <algorithm>
#include <cmath>
#include <limits>

#include "tasks/detect/multiplicity.h"
#include "tasks/monitor/board.h"
#include "tasks/score/proportions.h"
#include "tasks/score/quantification.h"

namespace monitor {

namespace {

constexpr double kAllowance = 0.25;  // of the CUSUM: half the shift worth finding, in deviations of a bin
constexpr double kAbove = 5;         // how far it goes beyond its bound: so much it takes to come back
constexpr double kQuiet = 10;        // times its level: above it a test is quiet

long whole(double x) { return std::lround(std::max(0., x)); }

// Texts and negatives of the last bins, the newest of which has n and k.
std::pair<double, double> held_in(const std::deque<Point>& history, long window, long n, long k) {
  double texts = double(n), held = double(k);
  for (long back = 1; back < window && back < long(history.size()); ++back) {
    const Point& point = history[history.size() - 1 - size_t(back)];
    texts += std::round(point.texts);
    held += std::min(std::round(point.texts), std::round(point.negatives));
  }
  return {texts, held};
}

}  // namespace

// Topics by the confusion of topics, texts and negatives alike; of every series the negatives by that of the head which
// tells them: of names another one than of texts.
void Board::correct(std::map<std::string, Cell>& cells) const {
  const auto cell_of = [&](const std::string& topic) -> Cell& { return cells["topic\xff" + topic]; };
  if (!topic_confusion_.empty() && topics_.size() == topic_confusion_.size()) {
    std::vector<double> negatives, others;
    for (const std::string& topic : topics_) {
      negatives.push_back(cell_of(topic).negatives);
      others.push_back(cell_of(topic).texts - cell_of(topic).negatives);
    }
    negatives = score::corrected(topic_confusion_, negatives);
    others = score::corrected(topic_confusion_, others);
    for (size_t k = 0; k < topics_.size(); ++k) {
      cell_of(topics_[k]).texts = negatives[k] + others[k];
      cell_of(topics_[k]).negatives = negatives[k];
    }
  }
  for (auto& [key, cell] : cells) {
    const auto& confusion = key.starts_with("entity\xff") ? entity_confusion_ : negative_confusion_;
    if (!confusion.empty())
      cell.negatives = score::corrected(confusion, {cell.texts - cell.negatives, cell.negatives})[1];
  }
}

// A bin's whole counts, texts and negatives, beside what is usual.
struct Board::Judged {
  long n, k;
  detect::Judged volume, negatives;
  detect::ShareJudged share;
};

// Adds what is watched to the tests, and the bin to the history.
void Board::judge(Series& s, long bin, const Cell& cell, std::vector<Test>& tests) {
  const Series& all = series_.at("stream\xff");
  const long n = whole(cell.texts), k = std::min(n, whole(cell.negatives));
  const int slot = slot_of(bin);
  const double pooled = all.share.usual(1. / 3), u = s.uniform(bin);
  const Judged j{n, k, s.volume.judge(slot, n, u), s.negatives.judge(slot, k, u), s.share.judge(k, n, pooled, u)};
  const score::Bounds bounds = n > 0 ? score::wilson(k, n) : score::Bounds{};
  const bool warm = s.volume.bins() >= double(o_.warm_bins);
  s.drift = warm ? std::max(0., s.drift + j.share.z - kAllowance) : 0;
  s.history.push_back({bin, true, cell.texts, cell.negatives, cell.sum_topic, cell.sum_negative, j.volume.expected,
                       j.volume.low, j.volume.high, n > 0 ? double(k) / double(n) : 0, bounds.low, bounds.high,
                       j.share.expected, "", cell.shown});
  const size_t keep = s.kind == "entity" ? std::min(std::max(48L, o_.trend), o_.history) : o_.history;
  while (s.history.size() > keep) s.history.pop_front();
  if (s.kind != "stream" && warm) add_tests(s, j, tests);
}

void Board::add_tests(Series& s, const Judged& j, std::vector<Test>& tests) {
  const auto add = [&](const char* kind, double p, long window, double seen, double ordinary, double texts) {
    Event event{"", kind, {{"alertname", kind}, {s.kind, s.name}}};
    event.p = p;
    event.window = window * o_.bin_seconds;
    event.seen = seen;
    event.ordinary = ordinary;
    event.texts = texts;
    event.share = texts > 0 && *kind != 'v' ? seen / texts : 0;
    event.usual = *kind != 'v' ? j.share.expected : 0;
    event.topic = s.kind == "topic" ? s.name : "";
    tests.push_back({&s, kind, p, event});
  };
  if (watches("volume")) add("volume", j.volume.p, j.volume.window, j.volume.seen, j.volume.ordinary, j.volume.seen);
  if (watches("negative")) {  // both have to be improbable: more bad news is not only more news
    const long window = j.share.p >= j.negatives.p ? j.share.window : j.negatives.window;
    const auto [texts, held] = held_in(s.history, window, j.n, j.k);
    const double ordinary = window == j.negatives.window ? j.negatives.ordinary : j.negatives.expected * double(window);
    add("negative", std::max(j.share.p, j.negatives.p), window, held, ordinary, texts);
  }
  if (watches("drift")) {
    double texts = 0, held = 0;
    const long window = std::min<long>(o_.trend, long(s.history.size()));
    for (long back = 0; back < window; ++back) {
      texts += s.history[s.history.size() - 1 - size_t(back)].texts;
      held += s.history[s.history.size() - 1 - size_t(back)].negatives;
    }
    add("drift", 1, window, held, texts * j.share.expected, texts);
  }
}

// The tests of a bin as one family: by Benjamini and Hochberg at the level budget / bins a day, so that without
// anything to find there are as many alarms a day as the budget says, and where much is to be found few of those that
// are raised are false. Drift has half of the budget, if it is watched: the bound of its chart by the length of runs.
void Board::decide(long bin, std::vector<Test>& tests, size_t watched) {
  const bool drift = watches("drift"), only_drift = drift && o_.watch.size() == 1;
  const double share = only_drift || !drift ? 1 : 0.5;
  const double q = std::min(0.5, share * o_.budget / bins_a_day());
  std::vector<double> p;
  for (const Test& t : tests)
    if (t.kind != "drift") p.push_back(t.p);
  const std::vector<double> adjusted = detect::benjamini_hochberg(p);
  const double run = std::max(2., double(watched) * bins_a_day() / (share * o_.budget));
  const double bound = detect::cusum_bound(kAllowance, run);
  size_t next = 0;
  for (Test& t : tests) {
    if (t.kind == "drift") {
      Series& s = *t.series;
      t.event.p = 1 / run;
      const bool reject = s.drift > bound;
      s.drift = std::min(s.drift, bound + kAbove);
      step(s, t.kind, bin, reject, s.drift < bound / 2, t.event);
    } else {
      step(*t.series, t.kind, bin, adjusted[next] <= q, t.p > std::min(0.5, kQuiet * q / double(p.size())), t.event);
      ++next;
    }
  }
}

void Board::step(Series& s, const std::string& kind, long bin, bool reject, bool quiet, Event event) {
  const auto found = s.alerts.find(kind);
  if (found == s.alerts.end() && !reject) return;
  Alert& alert = found == s.alerts.end() ? s.alerts[kind] : found->second;
  if (alert.labels.empty()) alert.labels = event.labels;
  event.what = alert.step({o_.hits, o_.of, o_.calm}, bin, reject, quiet);
  if (alert.is_firing() && !s.history.empty())
    s.history.back().alerts += (s.history.back().alerts.empty() ? "" : ",") + kind;
  if (event.what.empty()) return;
  event.first = seconds_of(alert.first);
  event.at = seconds_of(bin + 1);
  event.shown = s.strongest(size_t(std::max(1L, event.window / o_.bin_seconds)));
  events_.push_back(event);
}

void Board::take(Series& s, long bin, const Cell& cell) {
  const long n = whole(cell.texts), k = std::min(n, whole(cell.negatives));
  bool frozen = false;
  for (const auto& [kind, alert] : s.alerts)
    frozen = frozen || (alert.is_firing() && bin - alert.fired < o_.freeze_bins);
  const double pooled = series_.at("stream\xff").share.usual(1. / 3);
  s.volume.take(slot_of(bin), n, !frozen);
  s.negatives.take(slot_of(bin), k, !frozen);
  s.share.take(k, n, pooled, !frozen);
}

}  // namespace monitor
