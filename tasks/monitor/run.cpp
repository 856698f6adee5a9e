// The commands that read a stream in a terminal. Read watcher.h before.
#include <filesystem>

#include "tasks/monitor/commands.h"
#include "tasks/monitor/recording.h"
#include "tasks/monitor/watcher.h"

namespace monitor {

namespace {

void print_event(const WatchOptions& o, const Event& event, const Words& words) {
  const auto line = [](const nn::ordered_json& j) { fmt::print("{}\n", j.line()); };
  if (o.form == "text") {
    fmt::print("{}  {:<10} {}: {}\n", to_json(event, nullptr)["at"].get<std::string>(), event.what, event.kind,
               sentence_of(event));
    for (const Shown& s : event.shown)
      if (event.what == "firing") {
        const std::string said = words ? words(s.text, event) : "";
        fmt::print("    \"{}\"{}\n", s.text, said.empty() ? "" : "  " + said);
      }
  } else if (o.form == "alertmanager") {
    if (const auto body = to_webhook(event, words); !body.is_null()) line(body);
  } else {
    line(to_json(event, words));
  }
  std::fflush(stdout);
}

void watch(const WatchOptions& o, const char* task, bool close) {
  run::print_setup("monitor", task);
  stop_on_signals();
  Watcher watcher(o);
  const Words words = watcher.words();
  const ::run::Stopwatch watch;
  watcher.run([&](const Event& event) { print_event(o, event, words); }, close);
  print_result(task, watcher, watch.seconds(), o.form == "text" ? stdout : stderr);  // JSON lines are for programs
  if (stopped_by()) throw run::Exit{128 + stopped_by()};
}

}  // namespace

void print_result(const char* task, const Watcher& watcher, double seconds, std::FILE* to) {
  const Figures f = watcher.figures();
  long bad = 0;
  std::string kinds;
  for (const auto& [kind, count] : f.bad) {
    bad += count;
    kinds += fmt::format("{}{}: {}", kinds.empty() ? "" : ", ", kind, count);
  }
  if (bad > 0) run::print_note("left out: {}\n", kinds);
  fmt::print(to, "result task={} records={} texts={} repeats={} bad={} alerts={} seconds={:.1f}\n", task, f.records,
             f.texts, f.repeats, bad, f.alerts, seconds);
}

void run(run::Options& options, const run::Parse& parse) {
  WatchOptions o;
  o.declare(options);
  options.add("--follow", o.stream.follow, "wait for more at the end of the file").group("Stream");
  options
      .add("--state", o.state,
           "file to save the state in, and to go on from, if it is there; bins that are open at the "
           "end of the stream stay open")
      .writes()
      .group("Output");
  parse();
  o.settle();
  watch(o, "run", o.state.empty());
}

void replay(run::Options& options, const run::Parse& parse) {
  WatchOptions o;
  o.declare(options);
  options.add("--speed", o.speed, "seconds of the stream in a second; 0: as fast as can be")
      .group("Stream")
      .not_negative();
  parse();
  o.settle();
  watch(o, "replay", true);
}

void example(run::Options& options, const run::Parse& parse) {
  RecordingOptions o;
  options.add("--seed", o.seed, "of what is drawn");
  options.add("--days", o.days, "length").between(1, 3650);
  options.add("--texts-a-day", o.texts_a_day, "of each topic, on the average").positive();
  parse();
  fmt::print("{}", recording(o));
}

}  // namespace monitor
