// What TensorBoard shows of a run: all numbers of the log once, settings, histograms, how it ended; through kills, too.
#include <set>
#include "tasks/run/console.h"
#include "tasks/run/event_log.h"
#include "tests/support/event_files.h"

#include "tests/support/programs.h"
#include "tests/tasks/run/small_run.h"

using namespace test;
namespace fs = std::filesystem;

namespace {

SmallRun with_events(const std::string& directory, const std::string& events = "auto", bool again = false) {
  SmallRun small(directory, again);
  small.frame.options = "seed=3\nlr=0.05\nfreeze=a.*\nfreeze=b.*\nno-shuffle\ncased=false\nname=it's\n";
  small.options.events = events;
  return small;
}

}  // namespace

TEST_CASE("event log: it shows every number of the log at its step, and the run stays the same to the bit") {
  const TemporaryDirectory dir;
  with_events(dir.path + "/x").run();
  CHECK(outcome(dir.path + "/x") == undisturbed());
  const auto shown = shown_scalars(dir.path + "/x/events");
  size_t numbers = 0;
  for (const nn::json& line : lines_of(nn::read_file(dir.path + "/x/log.jsonl")))
    for (const char* name : {"epoch", "loss", "lr", "grad_norm"}) {
      const auto& steps =
          shown.at(std::string("train/") + name == "train/epoch" ? "train/lr" : std::string("train/") + name);
      REQUIRE(steps.count(line["step"]));
      if (std::string(name) != "epoch") CHECK(steps.at(line["step"]) == line[name].get<float>());
      ++numbers;
    }
  CHECK(numbers == 4 * size_t(kSteps));
  std::set<std::string> histograms;
  for (const Event& event : all_events(dir.path + "/x/events"))
    for (const EventValue& v : event.values)
      if (v.plugin == "histograms") histograms.insert(v.tag);
  CHECK(histograms == std::set<std::string>{"gradients/layer.bias", "gradients/layer.weight", "weights/layer.bias",
                                            "weights/layer.weight"});
}

TEST_CASE("event log: the settings are those of the run, numbers as numbers, lists and flags in one piece") {
  const TemporaryDirectory dir;
  with_events(dir.path + "/x").run();
  const std::string begun = hparams_of(dir.path + "/x/events", "session_start_info");
  std::map<std::string, std::string> settings;
  for (const Field& f : fields_of(field_at(begun, {3}).bytes))
    if (f.number == 1) {
      const std::vector<Field> value = fields_of(field_at(f.bytes, {2}).bytes);
      REQUIRE(value.size() == 1);
      double number = 0;
      std::memcpy(&number, &value[0].value, 8);
      settings[field_at(f.bytes, {1}).bytes] = value[0].number == 2   ? fmt::format("number {}", number)
                                               : value[0].number == 4 ? fmt::format("bool {}", value[0].value)
                                                                      : "text " + value[0].bytes;
    }
  CHECK(settings == std::map<std::string, std::string>{{"seed", "number 3"},
                                                       {"lr", "number 0.05"},
                                                       {"freeze", "text a.*, b.*"},
                                                       {"no-shuffle", "bool 1"},
                                                       {"cased", "bool 0"},
                                                       {"name", "text it's"}});
  std::vector<std::string> cells;
  for (const Event& event : all_events(dir.path + "/x/events"))
    for (const EventValue& v : event.values)
      if (v.plugin == "text") cells = v.strings();
  CHECK(cells.size() == 2 * 7);
  CHECK(field_at(hparams_of(dir.path + "/x/events", "session_end_info"), {4, 1}).value == 1);
  CHECK(!hparams_of(dir.path + "/x/events", "experiment").empty());
}

TEST_CASE("event log: killed after any step and resumed, it shows each step once, with an undisturbed run's numbers") {
  const TemporaryDirectory dir;
  with_events(dir.path + "/whole").run();
  const auto whole = shown_scalars(dir.path + "/whole/events");
  for (long step = 0; step < kSteps; ++step) {
    const std::string path = fmt::format("{}/{}", dir.path, step);
    SmallRun killed = with_events(path);
    killed.kill_before_save = step;
    killed.run();
    with_events(path, "auto", true).run();
    CHECK_MESSAGE(shown_scalars(path + "/events") == whole, step);
  }
}

TEST_CASE("event log: a run that fails ends as a failure, one that is stopped does not end until it is resumed") {
  const TemporaryDirectory dir;
  SmallRun ruined = with_events(dir.path + "/x");
  ruined.ruin_at = 4;
  CHECK_THROWS_AS(ruined.run(), Error);
  CHECK(field_at(hparams_of(dir.path + "/x/events", "session_end_info"), {4, 1}).value == 2);
  SmallRun stopped = with_events(dir.path + "/y");
  stopped.signal_at = 4;
  CHECK_THROWS_AS(stopped.run(), run::Exit);
  CHECK(hparams_of(dir.path + "/y/events", "session_end_info").empty());
  with_events(dir.path + "/y", "auto", true).run();
  CHECK(field_at(hparams_of(dir.path + "/y/events", "session_end_info"), {4, 1}).value == 1);
}

TEST_CASE("event log: a directory that cannot be one is a clear line, before anything is written") {
  const TemporaryDirectory dir;
  const std::string out = dir.path + "/x", file = dir.write("file", ""), events = dir.path + "/events";
  const auto said = [&](const std::string& place) { return error_of([&] { with_events(out, place).run(); }); };
  CHECK(said(file + "/a") == fmt::format("--events {0}/a: {0} is not a directory that can be written", file));
  CHECK(said(file) == fmt::format("--events {0}: {0} is not a directory that can be written", file));
  CHECK(said("/proc/self/events").find("is not a directory that can be written") != std::string::npos);
  CHECK(said(out + "/mine").find("inside the run's directory; `--events auto`") != std::string::npos);
  CHECK(!fs::exists(out));
  CHECK(said(events) == "");
  CHECK(error_of([&] { with_events(dir.path + "/y", events).run(); }).find("has the events of another run") !=
        std::string::npos);
  SmallRun over = with_events(dir.path + "/y", events);
  over.options.overwrite = true;
  over.run();
  CHECK(events::event_files(events).size() == 1);
}

TEST_CASE("event log: work that is dear is done again only when it has become a small share of the time") {
  const TemporaryDirectory dir;
  run::EventLog log(dir.path, "seed=1\n", 1);
  int done = 0;
  for (int i = 0; i < 50; ++i)
    log.sparingly("dear", [&] {
      ++done;
      const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
      while (std::chrono::steady_clock::now() < until) {}
    });
  CHECK(done == 1);
}

TEST_CASE("event log: what it takes is counted once, and stands among the costs") {
  const TemporaryDirectory dir;
  with_events(dir.path + "/x").run();
  const auto cost = nn::json::parse(nn::read_file(dir.path + "/x/cost.json"));
  CHECK(cost["events_seconds"].get<double>() > 0);
  CHECK(cost["events_seconds"].get<double>() < cost["seconds"].get<double>());
}

TEST_CASE("cost: a run that has ended says what its steps took") {
  const TemporaryDirectory dir;
  SmallRun(dir.path + "/x").run();
  const auto cost = nn::json::parse(nn::read_file(dir.path + "/x/cost.json"));
  CHECK(cost["steps"] == kSteps);
  CHECK(cost["seconds"].get<double>() > 0);
  CHECK(cost["peak_memory_mb"].get<double>() > 1);
  CHECK(cost["step_ms_median"].get<double>() <= cost["step_ms_95_percent"].get<double>());
}
