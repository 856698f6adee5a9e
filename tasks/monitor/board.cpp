// From texts to bins to tests to alerts. Read series.h, alerts.h and tasks/detect/seasonal.h before; state.cpp has
// what is saved, judge.cpp how a bin is judged.
#include "tasks/monitor/board.h"

#include <algorithm>
#include <cmath>

#include "tasks/monitor/clock.h"
#include "tasks/run/console.h"

namespace monitor {

using engine::check;

namespace {

constexpr int kBelieved = 10;       // records in a row that a clock has jumped
constexpr double kSilent = 1e-4;    // the probability of a silence that is no chance
constexpr long kLongestGap = 4000;  // bins that are closed one by one

const char* const kSpan = "90s, 15m, 1h, 7d or 2w";

long span_of(const char* option, const std::string& text) {
  const std::optional<long> seconds = parse_span(text);
  check(seconds.has_value(), "{}: a length of time is written as {}; got '{}'", option, kSpan, text);
  return *seconds;
}

}  // namespace

void BoardOptions::declare(run::Options& options) {
  const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("Bins and alerts");
  };
  add("--budget", budget, "false alarms a day, over all topics and names: the one knob").positive();
  add("--watch", watch,
      "negative: more negative texts, and a larger share of them; drift: a share that rises slowly; volume: more "
      "texts, "
      "whatever they say")
      .delimiter(',')
      .one_of({"negative", "drift", "volume"});
  add("--bin", bin, "length of a bin");
  add("--lateness", lateness, "that a bin waits for late texts, in event time");
  add("--jump", jump, "a record further ahead, or behind, is not believed until ten in a row are there");
  add("--utc-offset", offset, "what local clocks are ahead of UTC: hours of the week are local (-5h: behind)");
  add("--warm-up", warm_up, "of every topic and name before it can raise an alert");
  add("--for", hits, "bins of the last --of that must be out of the ordinary before an alert fires").between(1, 1000);
  add("--of", of, "see --for").between(1, 1000);
  add("--calm", calm, "quiet bins in a row that resolve an alert").between(1, 1000);
  add("--freeze", freeze, "while an alert fires nothing becomes ordinary, but for no longer than this");
  add("--entities", entities, "names that are followed at the same time, at most").between(0, 100000);
  add("--history", history, "bins of the past that are kept to be shown").between(1, 100000);
  add("--trend", trend, "bins of a trend").between(3, 10000);
  add("--no-words", no_words, "alerts without the words that drew the attention: faster");
}

void BoardOptions::settle() {
  bin_seconds = span_of("--bin", bin);
  check(bin_seconds > 0 && (86400 % bin_seconds == 0 || bin_seconds % 86400 == 0) && bin_seconds <= 604800,
        "--bin: a bin divides a day, or is one to seven days; got '{}'", bin);
  late_seconds = span_of("--lateness", lateness);
  jump_seconds = span_of("--jump", jump);
  freeze_bins = std::max(1L, span_of("--freeze", freeze) / bin_seconds);
  warm_bins = std::max(1L, span_of("--warm-up", warm_up) / bin_seconds);
  const bool behind = offset.starts_with('-');
  shift = span_of("--utc-offset", behind ? offset.substr(1) : offset) * (behind ? -1 : 1);
  check(std::abs(shift) <= 14 * 3600, "--utc-offset: 14 hours at most, ahead or behind; got '{}'", offset);
  check(hits <= of, "--for: {} bins of the last {}", hits, of);
  check(!watch.empty(), "--watch: nothing");
  check(trend <= history, "--trend: {} bins, of which --history keeps {}", trend, history);
}

nn::ordered_json BoardOptions::configuration() const {
  return {{"--bin", bin_seconds},    {"--lateness", late_seconds},
          {"--jump", jump_seconds},  {"--warm-up", warm_bins},
          {"--freeze", freeze_bins}, {"--utc-offset", shift},
          {"--budget", budget},      {"--watch", watch},
          {"--for", hits},           {"--of", of},
          {"--calm", calm},          {"--entities", entities},
          {"--history", history},    {"--trend", trend}};
}

Board::Board(const BoardOptions& options, const std::vector<std::string>& topics,
             std::vector<std::vector<double>> topic_confusion, std::vector<std::vector<double>> negative_confusion,
             std::vector<std::vector<double>> entity_confusion)
    : o_(options),
      topics_(topics),
      topic_confusion_(std::move(topic_confusion)),
      negative_confusion_(std::move(negative_confusion)),
      entity_confusion_(std::move(entity_confusion)) {
  find("stream", "", 0);
  for (const std::string& topic : topics_) find("topic", topic, 0);
}

detect::SeasonalOptions Board::seasonal() const {
  detect::SeasonalOptions s;
  const long slot = std::clamp(o_.bin_seconds, 3600L, 86400L);
  s.day_slots = int(86400 / slot);
  s.slots = 7 * s.day_slots;
  s.bins_a_slot = double(slot) / double(std::min(o_.bin_seconds, slot));
  s.level_half_life = 14 * bins_a_day();
  return s;
}

detect::ShareOptions Board::shares() const {
  detect::ShareOptions s;
  s.half_life = 28 * bins_a_day();
  return s;
}

// 1970-01-01 was a Thursday: Monday is day 0.
int Board::slot_of(long bin) const {
  const detect::SeasonalOptions s = seasonal();
  const long second = ((bin * o_.bin_seconds + 3 * 86400) % 604800 + 604800) % 604800;
  return int(second / (604800 / s.slots));
}

bool Board::watches(const std::string& kind) const {
  return std::find(o_.watch.begin(), o_.watch.end(), kind) != o_.watch.end();
}

Series& Board::find(const std::string& kind, const std::string& name, long bin) {
  const std::string key = kind + '\xff' + name;
  auto found = series_.find(key);
  if (found == series_.end()) {
    found = series_.emplace(key, Series(kind, name, seasonal(), shares())).first;
    if (kind == "entity") forget_entities();
    found = series_.find(key);
  }
  found->second.last_seen = std::max(found->second.last_seen, bin);
  return found->second;
}

// Of too many names the one goes that has not been seen for the longest time; not one of an alert that fires.
void Board::forget_entities() {
  long count = 0;
  auto oldest = series_.end();
  for (auto it = series_.begin(); it != series_.end(); ++it) {
    if (it->second.kind != "entity") continue;
    ++count;
    const bool is_new = it->second.last_seen == 0;
    if (is_new || it->second.firing()) continue;
    if (oldest == series_.end() || it->second.last_seen < oldest->second.last_seen) oldest = it;
  }
  if (count <= o_.entities || oldest == series_.end()) return;
  for (auto& [bin, cells] : open_) cells.erase(oldest->first);
  series_.erase(oldest);
}

std::string Board::check_time(const Record& record) {
  if (newest_ < 0) return "";
  const long ahead = record.time - newest_, limit = o_.jump_seconds;
  if (ahead > limit || ahead < -limit) {
    if (++jumps_ < kBelieved) return "clock";
    run::print_note("line {}: ten records in a row are {} at least; the clock is believed, and goes on at {}\n",
                    record.line, show_span(limit) + (ahead > 0 ? " ahead" : " behind"), show_time(record.time));
    close_until(bin_of(newest_) + 1);  // what was counted is judged
    closed_ = bin_of(record.time);
    newest_ = record.time;
    for (auto& [key, s] : series_) {
      s.skip();
      s.last_seen = std::min(s.last_seen, closed_);  // nothing lies ahead of a clock that went back
      for (auto& [kind, alert] : s.alerts) alert.fired = std::min(alert.fired, closed_);
    }
  }
  jumps_ = 0;
  return bin_of(record.time) < closed_ ? "late" : "";
}

void Board::add_to(Series& s, long bin, const Record& record, double topic_p, double negative_p, bool negative) {
  Cell& cell = open_[bin][s.kind + '\xff' + s.name];
  ++cell.texts;
  cell.negatives += negative;
  cell.sum_topic += topic_p;
  cell.sum_negative += topic_p * negative_p;
  const bool opinions = watches("negative") || watches("drift");
  cell.show({opinions ? topic_p * negative_p : topic_p, record.time, record.line, record.text, record.source});
}

void Board::add(const Record& record, const Said& said) {
  const long bin = bin_of(record.time);
  if (newest_ < 0) closed_ = bin;
  newest_ = std::max(newest_, record.time);
  add_to(find("stream", "", bin), bin, record, 1, said.negative_p, said.negative);
  add_to(find("topic", said.topic, bin), bin, record, said.topic_p, said.negative_p, said.negative);
  std::set<std::string> once;
  for (const Said::Towards& e : said.entities)
    if (o_.entities > 0 && once.insert(e.name).second)
      add_to(find("entity", e.name, bin), bin, record, 1, e.negative_p, e.negative);
  close_until(bin_of(newest_ - o_.late_seconds));
}

void Board::close_until(long bin) {
  if (bin - closed_ > kLongestGap) {  // what is open, and of the rest nothing is known
    while (!open_.empty() && open_.begin()->first < bin) close(closed_ = open_.begin()->first), ++closed_;
    for (auto& [key, s] : series_) s.skip();
    closed_ = bin;
  }
  for (; closed_ < bin; ++closed_) close(closed_);
}

void Board::finish() {
  if (newest_ >= 0) close_until(bin_of(newest_) + 1);
}

std::vector<Event> Board::take_events() { return std::exchange(events_, {}); }

// Whether a bin without a text is a hole in the stream: the silence so far would come by chance once in ten thousand.
bool Board::is_gap(long bin, double texts) {
  const Series& all = series_.at("stream\xff");
  const bool was = no_data_;
  if (texts > 0) {
    silence_ = 0;
    no_data_ = false;
  } else if (all.volume.bins() >= double(o_.warm_bins)) {
    silence_ += all.volume.forecast(slot_of(bin));
    no_data_ = all.volume.log_of_zero(silence_) < std::log(kSilent);
  }
  if (was != no_data_) {
    Event event{no_data_ ? "firing" : "resolved", "stream", {{"alertname", "NoData"}}};
    event.at = seconds_of(bin + 1);
    if (no_data_) silent_since_ = event.at;
    event.first = silent_since_;
    event.ordinary = silence_;
    event.p = kSilent;
    events_.push_back(event);
  }
  return no_data_;
}

void Board::mark_gap(long bin) {
  for (auto& [key, s] : series_) {
    s.skip();
    Point point;
    point.bin = bin;
    point.known = false;
    s.history.push_back(point);
    while (long(s.history.size()) > o_.history) s.history.pop_front();
    for (auto& [kind, alert] : s.alerts)
      if (const std::string what = alert.gap(); !what.empty()) {
        Event event{what, kind, alert.labels};
        event.first = seconds_of(alert.first);
        event.at = seconds_of(bin + 1);
        event.topic = s.kind == "topic" ? s.name : "";
        events_.push_back(event);
      }
  }
}

void Board::close(long bin) {
  std::map<std::string, Cell> cells;
  if (const auto found = open_.find(bin); found != open_.end()) {
    cells = std::move(found->second);
    open_.erase(found);
  }
  const auto all = cells.find("stream\xff");
  if (is_gap(bin, all == cells.end() ? 0 : all->second.texts)) return mark_gap(bin);
  correct(cells);
  std::vector<Test> tests;
  size_t watched = 0;
  static const Cell kEmpty;
  for (auto& [key, s] : series_) {
    const auto cell = cells.find(key);
    if (s.kind != "stream" && s.volume.bins() >= double(o_.warm_bins)) ++watched;
    judge(s, bin, cell == cells.end() ? kEmpty : cell->second, tests);
  }
  decide(bin, tests, watched);
  for (auto& [key, s] : series_) {
    const auto cell = cells.find(key);
    take(s, bin, cell == cells.end() ? kEmpty : cell->second);
  }
}

}  // namespace monitor
