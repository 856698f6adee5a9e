// The loop of a stream, and its state in a file. Read stream.h, reader.h, board.h before.
#include "tasks/monitor/watcher.h"

#include <poll.h>

#include <algorithm>
#include <filesystem>

#include "nn/format/json.h"
#include "tasks/monitor/clock.h"
#include "tasks/run/console.h"
#include "tasks/run/directory.h"

namespace monitor {

using engine::check;
using nn::ordered_json;

namespace {

constexpr size_t kBatch = 256;  // texts that are classified together, if so many are there
constexpr int kForm = 1;        // of a state file

RepeatOptions repeat_options(const WatchOptions& o) {
  const std::optional<long> within = parse_span(o.repeats);
  check(within.has_value(), "--repeats: a length of time is written as 6h or 1d; got '{}'", o.repeats);
  return {*within, o.near, o.remembered};
}

ordered_json heads_of(const ReaderOptions& o) {
  return {{"--topic-head", o.topic_head}, {"--sentiment-head", o.sentiment_head}, {"--entity-head", o.entity_head}};
}

// The stream's file, however it is written down and from where; of a pipe its mark.
std::string place_of(const std::string& file) {
  return file == "-" ? file : std::filesystem::weakly_canonical(file).string();
}

}  // namespace

void WatchOptions::declare(run::Options& options) {
  stream.declare(options);
  const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("Stream");
  };
  add("--repeats", repeats, "a text that was told within this time before is not counted");
  add("--near", near, "bits of a text's simhash that may differ in a repeat; -1: everything counts").between(-1, 7);
  add("--remembered", remembered, "texts that are remembered for that, at most").between(1, 1e8);
  reader.declare(options);
  board.declare(options);
  const auto out = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("Output");
  };
  out("--form", form, "of the events on standard output: lines of JSON, or Alertmanager's webhook, or text")
      .one_of({"jsonl", "alertmanager", "text"});
  out("--metrics", metrics, "file for Prometheus' text collector, written whenever the state is, and at the end")
      .writes();
  out("--save-every", save_every, "records between two savings of state and metrics")
      .only_with("--state")
      .only_with("--metrics")
      .between(1, 1e12);
}

void WatchOptions::settle() {
  board.settle();
  stream.leave_last = !state.empty();                 // the run that goes on from there reads it
  for (const std::string& file : {state, metrics}) {  // now, and not when the first of them is written
    const std::filesystem::path folder = std::filesystem::path(file).parent_path();
    check(folder.empty() || std::filesystem::is_directory(folder), "{}: there is no folder '{}'", file,
          folder.string());
  }
}

Watcher::Watcher(const WatchOptions& options)
    : o_(options),
      reader_(options.reader),
      board_(options.board, reader_.topics(), reader_.topic_confusion(), reader_.negative_confusion(),
             reader_.entity_confusion()),
      repeats_(repeat_options(options)),
      stream_(options.stream) {
  if (!o_.state.empty() && std::filesystem::exists(o_.state)) load();
}

Figures Watcher::figures() const {
  Figures f = before_;
  f.records += stream_.records();
  f.texts += texts_;
  f.repeats += told_;
  f.alerts += alerts_;
  for (const auto& [kind, count] : stream_.bad()) f.bad[kind] += count;
  return f;
}

Words Watcher::words() const {
  if (o_.board.no_words || reader_.identity() == "labelled") return nullptr;
  return [this](const std::string& text, const Event& event) {
    return reader_.words(text, event.topic, event.kind != "volume");
  };
}

// As many records as are there, one at least. False: the stream is at its end.
bool Watcher::next_batch(std::vector<Record>& batch) {
  batch.clear();
  Record record;
  while (batch.size() < (o_.speed > 0 ? 1 : kBatch) && stream_.next(record, batch.empty())) {
    if (o_.speed > 0) keep_pace(record);
    batch.push_back(record);
  }
  return !batch.empty();
}

// A recorded stream no faster than `speed` seconds a second.
void Watcher::keep_pace(const Record& record) {
  if (first_time_ < 0) first_time_ = record.time, watch_ = {};
  const double due = double(record.time - first_time_) / o_.speed;
  while (!stopped_by() && due > watch_.seconds())
    poll(nullptr, 0, int(std::min(200., 1 + 1000 * (due - watch_.seconds()))));
}

// A repeat is given to no model. But whether a record is one is certain in its turn only: those before it in the batch
// may be rejected, and tell nothing then.
void Watcher::read(const std::vector<Record>& batch, const std::function<void()>& tell) {
  std::vector<uint64_t> hashes;
  std::vector<Record> asked;
  std::vector<char> is_asked;
  for (const Record& r : batch) {
    hashes.push_back(repeats_.hash_of(r.text));
    is_asked.push_back(o_.reader.labelled || !repeats_.told(hashes.back(), r.time));
    if (is_asked.back()) asked.push_back(r);
  }
  const std::vector<Said> said = reader_.read(asked);
  size_t next = 0;
  for (size_t i = 0; i < batch.size(); ++i) {
    const size_t own = is_asked[i] ? next++ : said.size();
    if (repeats_.told(hashes[i], batch[i].time)) {
      ++told_;
    } else if (!reject(batch[i])) {
      repeats_.remember(hashes[i], batch[i].time);
      take(batch[i], own < said.size() ? said[own] : reader_.read({batch[i]})[0]);  // it was forgotten meanwhile
      tell();
    }
  }
}

// Whether the record's time is of no use.
bool Watcher::reject(const Record& record) {
  const std::string kind = board_.check_time(record);
  if (kind.empty()) return false;
  const std::string time = show_time(record.time);
  stream_.reject(record, kind,
                 kind == "late" ? time + " is too late: its bin is closed (--lateness)"
                                : time + " is far from the times before it (--jump)");
  return true;
}

void Watcher::run(const OnEvent& on_event, bool close, const std::function<void()>& after_batch) {
  std::vector<Record> batch;
  const auto tell = [&] {
    for (const Event& event : board_.take_events()) {
      alerts_ += event.what == "firing";
      on_event(event);
    }
  };
  long saved = 0;
  while (next_batch(batch)) {
    read(batch, tell);
    if (after_batch) after_batch();
    if (stream_.records() - saved >= o_.save_every) {
      save();
      saved = stream_.records();
    }
  }
  if (close && !stopped_by()) board_.finish();
  tell();
  save();
  if (const long line = stream_.line_left(); line > 0)
    run::print_note("{}:{}: this line has no end yet: it is left for the next run\n", o_.stream.file, line);
  const Figures f = figures();
  check(f.texts > 0 || f.records == 0, "none of {} records could be used", f.records);
  say_what_is_missing();
}

void Watcher::take(const Record& record, const Said& said) {
  board_.add(record, said);
  ++texts_;
  with_sentiment_ += !record.sentiment.empty();
  negatives_ += said.negative;
}

// Why nothing could be an alert, where it is the options' fault and not the stream's.
void Watcher::say_what_is_missing() const {
  const bool opinions = std::ranges::any_of(o_.board.watch, [](const std::string& w) { return w != "volume"; });
  if (!opinions || texts_ == 0 || negatives_ > 0) return;
  if (!o_.reader.labelled && !reader_.tells_negative())
    run::print_note("note: no head tells what is negative, so nothing was; --negative names a label\n");
  if (o_.reader.labelled && with_sentiment_ == 0)
    run::print_note("note: no record has a sentiment, '{}', so none is negative; --sentiment-column names it\n",
                    engine::shown(o_.stream.sentiment_column));
  if (o_.reader.labelled && with_sentiment_ > 0)
    run::print_note("note: of {} sentiments none is {}; --negative names the label\n", with_sentiment_,
                    o_.reader.negative.empty() ? "negative, bearish or bad" : engine::shown(o_.reader.negative));
}

ordered_json Watcher::configuration() const {
  ordered_json c = o_.board.configuration();
  c["--repeats"] = o_.repeats;
  c["--near"] = o_.near;
  c["--remembered"] = o_.remembered;
  c["--negative"] = o_.reader.negative;
  c["--model"] = reader_.identity();
  c.update(heads_of(o_.reader));
  return c;
}

void Watcher::save() const {
  if (!o_.metrics.empty()) nn::write_file(o_.metrics, metrics_of(board_, figures()));
  if (o_.state.empty()) return;
  const Figures f = figures();
  const ordered_json state{
      {"attune_monitor_state", kForm},
      {"configuration", configuration()},
      {"stream", {{"offset", stream_.offset()}, {"line", stream_.line()}, {"file", place_of(o_.stream.file)}}},
      {"figures",
       {{"records", f.records}, {"texts", f.texts}, {"repeats", f.repeats}, {"alerts", f.alerts}, {"bad", f.bad}}},
      {"repeats", repeats_.state()},
      {"board", board_.saved()}};
  nn::write_file(o_.state, state.dump());
}

void Watcher::load() {
  const nn::json state = nn::read_json(o_.state);
  check(state.is_object() && state.contains("attune_monitor_state") && state["attune_monitor_state"] == kForm,
        "{}: is no state of this program", o_.state);
  const ordered_json mine = configuration();
  const auto said = state.find("configuration");
  check(said != state.end() && said->is_object(), "{}: is damaged: it has no configuration", o_.state);
  nn::json saved(heads_of({}));  // those of a state of before they were saved
  saved.update(*said);
  for (const auto& [key, value] : mine.items()) {
    const nn::json theirs = saved.value(key, nn::json());
    check(theirs == nn::json(value),
          "{}: was saved with {} {}, and this is {}; name another state, or the same options", o_.state, key,
          theirs.dump(), value.dump());
  }
  try {
    const nn::json& f = state.at("figures");
    before_ = {f.at("records"), f.at("texts"), f.at("repeats"), f.at("alerts"),
               f.at("bad").get<std::map<std::string, long>>()};
    repeats_.restore(state.at("repeats"));
    board_.restore(state.at("board"));
    const nn::json& s = state.at("stream");
    if (o_.stream.file == "-")
      stream_.count_lines_from(s.at("line"));
    else if (place_of(s.at("file")) == place_of(o_.stream.file))
      stream_.resume(s.at("offset"), s.at("line"));
  } catch (const nn::JsonError& e) { engine::fail("{}: is damaged: {}", o_.state, e.what()); }
}

}  // namespace monitor
