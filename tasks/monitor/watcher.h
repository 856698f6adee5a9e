// Watcher: the whole way from a stream to events: read, told before or not, classified, counted, judged; saved and
// taken up again.
#pragma once

#include "tasks/monitor/output.h"
#include "tasks/monitor/repeats.h"
#include "tasks/run/stopwatch.h"

namespace monitor {

struct WatchOptions {
  StreamOptions stream;
  ReaderOptions reader;
  BoardOptions board;
  std::string repeats = "1d", state, metrics, form = "jsonl";
  int near = 5;
  long remembered = 100000, save_every = 20000;
  double speed = 0;

  void declare(run::Options& options);
  void settle();
};

class Watcher {
 public:
  explicit Watcher(const WatchOptions& options);

  // Reads to the end of the stream, or to a signal; every event goes to `on_event`. With a state file bins that are
  // open stay open; without, or with `close`, they are judged at the end.
  using OnEvent = std::function<void(const Event&)>;
  void run(const OnEvent& on_event, bool close, const std::function<void()>& after_batch = nullptr);

  const Board& board() const { return board_; }
  const Reader& reader() const { return reader_; }
  Figures figures() const;
  Words words() const;

 private:
  bool next_batch(std::vector<Record>& batch);
  void keep_pace(const Record& record);
  // Takes what is new of a batch; `tell` after each record that is taken.
  void read(const std::vector<Record>& batch, const std::function<void()>& tell);
  bool reject(const Record& record);
  void take(const Record& record, const Said& said);
  void say_what_is_missing() const;
  nn::ordered_json configuration() const;
  void save() const;
  void load();

  WatchOptions o_;
  Reader reader_;
  Board board_;
  Repeats repeats_;
  Stream stream_;
  Figures before_;  // of the runs whose state this one goes on from
  long texts_ = 0, told_ = 0, alerts_ = 0;
  long with_sentiment_ = 0, negatives_ = 0;  // of the texts of this run
  long first_time_ = -1;
  ::run::Stopwatch watch_;  // since then
};

}  // namespace monitor
