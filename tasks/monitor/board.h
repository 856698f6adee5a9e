// Board: all series of a stream, bin by bin in event time. What texts say comes in; alerts come out.
#pragma once

#include <set>

#include "tasks/monitor/reader.h"
#include "tasks/monitor/series.h"

namespace monitor {

struct BoardOptions {
  std::string bin = "1h", lateness = "10m", jump = "7d", warm_up = "14d", freeze = "7d", offset = "0h";
  double budget = 0.02;  // false alarms a day, over all series and kinds
  std::vector<std::string> watch = {"negative", "drift"};
  int hits = 1, of = 1, calm = 3;
  long entities = 200, history = 720, trend = 24;
  bool no_words = false;

  void declare(run::Options& options);
  long bin_seconds = 3600, late_seconds = 600, jump_seconds = 604800, freeze_bins = 168, warm_bins = 336, shift = 0;
  void settle();  // after parsing. Error: a bin that does not divide a day, or is not made of days
  nn::ordered_json configuration() const;
};

// What has happened to an alert, with what was seen and what was ordinary.
struct Event {
  std::string what, kind;  // firing, ...; negative, volume, drift, stream
  Labels labels;
  long first = 0, at = 0;  // seconds: when the alert began, and the end of the bin that decided it
  double p = 1;
  long window = 0;  // seconds
  double seen = 0, ordinary = 0, texts = 0, share = 0, usual = 0;
  std::vector<Shown> shown = {};
  std::string topic = {};  // of the series, if it is a topic's
};

class Board {
 public:
  // `topics`: of the model, all there from the beginning; the confusions as in Reader, or nothing.
  Board(const BoardOptions& options, const std::vector<std::string>& topics,
        std::vector<std::vector<double>> topic_confusion, std::vector<std::vector<double>> negative_confusion,
        std::vector<std::vector<double>> entity_confusion);

  // Why the record's time cannot be used, as a kind of bad record; empty: it can. A clock that jumps is believed when
  // ten records in a row say so.
  std::string check_time(const Record& record);
  void add(const Record& record, const Said& said);
  void finish();  // closes what is open
  std::vector<Event> take_events();

  const std::map<std::string, Series>& series() const { return series_; }
  const BoardOptions& options() const { return o_; }
  long closed_until() const { return closed_; }  // the first bin that is open
  long seconds_of(long bin) const { return bin * o_.bin_seconds - o_.shift; }
  bool no_data() const { return no_data_; }

  nn::json saved() const;
  void restore(const nn::json& saved);

 private:
  struct Test {
    Series* series;
    std::string kind;
    double p;
    Event event;
  };
  long bin_of(long time) const { return (time + o_.shift) / o_.bin_seconds; }
  int slot_of(long bin) const;
  Series& find(const std::string& kind, const std::string& name, long bin);
  void add_to(Series& s, long bin, const Record& record, double topic_p, double negative_p, bool negative);
  void close_until(long bin);
  void close(long bin);
  bool is_gap(long bin, double texts);
  void mark_gap(long bin);
  void correct(std::map<std::string, Cell>& cells) const;
  struct Judged;
  void judge(Series& s, long bin, const Cell& cell, std::vector<Test>& tests);
  void add_tests(Series& s, const Judged& j, std::vector<Test>& tests);
  void decide(long bin, std::vector<Test>& tests, size_t watched);
  void step(Series& s, const std::string& kind, long bin, bool reject, bool quiet, Event event);
  void take(Series& s, long bin, const Cell& cell);
  void forget_entities();
  detect::SeasonalOptions seasonal() const;
  detect::ShareOptions shares() const;
  bool watches(const std::string& kind) const;
  double bins_a_day() const { return 86400. / double(o_.bin_seconds); }

  BoardOptions o_;
  std::vector<std::string> topics_;
  std::vector<std::vector<double>> topic_confusion_, negative_confusion_, entity_confusion_;
  std::map<std::string, Series> series_;  // by kind and name
  std::map<long, std::map<std::string, Cell>> open_;
  long closed_ = -1, newest_ = -1;
  int jumps_ = 0;
  double silence_ = 0;  // texts that were expected since the last one
  bool no_data_ = false;
  long silent_since_ = 0;  // seconds: when the alert NoData fired
  std::vector<Event> events_;
};

}  // namespace monitor
