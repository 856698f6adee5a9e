// Trials started, followed by their logs, pruned and ended. Read tasks/tune/trials.h first.
#include "tasks/tune/trials.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <thread>

#include "nn/format/json.h"
#include "tasks/run/console.h"
#include "tasks/run/stop.h"
#include "tasks/search/python_json.h"
#include "tasks/text/labels.h"

namespace tune {

namespace fs = std::filesystem;
using engine::check;
using nn::json;
using search::State;
using search::Trial;

namespace {

constexpr const char* kResult = "result.";

// The value at a.b.c, where a name may have dots of its own; a number that is none where it is null.
std::optional<double> number_at(const json& at, const std::string& path) {
  if (!at.is_object()) return std::nullopt;
  if (at.contains(path)) {
    const json& value = at[path];
    const bool none = value.is_null() || value == "NaN" || value == "Infinity" || value == "-Infinity";
    return none || value.is_number() ? std::optional(search::number_of(value)) : std::nullopt;
  }
  for (size_t dot = path.find('.'); dot != path.npos; dot = path.find('.', dot + 1))
    if (const std::string key = path.substr(0, dot); at.contains(key))
      if (const auto number = number_at(at[key], path.substr(dot + 1))) return number;
  return std::nullopt;
}

// What some program has written, Python's NaN and Infinity as strings; null: no JSON.
json line_of(std::string_view text) {
  try {
    return nn::parse_json(search::without_python(std::string(text)), "");
  } catch (const engine::Error&) { return nullptr; }
}

void add_names(const json& value, const std::string& prefix, std::set<std::string>& names) {
  for (const auto& [key, inner] : value.items()) {
    if (inner.is_number()) names.insert(prefix + key);
    if (inner.is_object()) add_names(inner, prefix + key + ".", names);
  }
}

std::string tail_of(const std::string& file, const std::string& beginning) {
  std::ifstream in(file);
  std::string last;
  for (std::string line; std::getline(in, line);)
    if (!line.empty() && line.starts_with(beginning)) last = line;
  return last;
}

// What went wrong, in the program's own words.
std::string complaint(const std::string& file) {
  const std::string error = tail_of(file, "error: ");
  return engine::shown(error.empty() ? tail_of(file, "") : error.substr(7), 400);
}

// KEY=VALUE pairs of the last line that begins with "result ".
std::map<std::string, double> results_of(const std::string& file) {
  std::map<std::string, double> results;
  for (const std::string& word : engine::split(tail_of(file, "result "), ' ')) {
    const size_t equal = word.find('=');
    if (equal == word.npos) continue;
    if (const auto value = engine::parse_number<double>(word.substr(equal + 1)))
      results[word.substr(0, equal)] = *value;
  }
  return results;
}

}  // namespace

std::vector<double> LogReader::fresh() {
  std::ifstream in(file_, std::ios::binary);
  if (!in) return {};
  in.seekg(0, std::ios::end);
  const size_t size = size_t(in.tellg());
  anew_ = size < offset_;
  if (anew_) offset_ = 0;
  std::string bytes(size - offset_, '\0');
  in.seekg(std::streamoff(offset_));
  in.read(bytes.data(), std::streamsize(bytes.size()));
  bytes.resize(size_t(std::max<std::streamsize>(0, in.gcount())));
  std::vector<double> values;
  for (size_t begin = 0, end; (end = bytes.find('\n', begin)) != bytes.npos; begin = end + 1) {
    offset_ += end + 1 - begin;
    const json line = line_of(std::string_view(bytes).substr(begin, end - begin));
    if (const auto value = number_at(line, metric_)) values.push_back(*value);
  }
  return values;
}

std::vector<std::string> LogReader::names() const {
  std::set<std::string> names;
  std::ifstream in(file_);
  for (std::string text; std::getline(in, text);)
    if (const json line = line_of(text); line.is_object()) add_names(line, "", names);
  return {names.begin(), names.end()};
}

namespace {

// One trial that runs.
struct Running {
  long number;
  LogReader log;
  std::unique_ptr<Process> process;
  long step = 0;  // measurements that have been read
  bool pruned = false;
};

class Loop {
 public:
  Loop(search::Study& study, const Setup& setup) : study_(study), setup_(setup) {}
  ~Loop() {
    for (const auto& [number, fd] : locks_) close(fd);
  }

  void run() {
    while (fill(), !running_.empty()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      if (run::stop_signal())
        for (Running& r : running_) r.process->stop();
      for (size_t i = 0; i < running_.size();)
        if (follow(running_[i]))
          running_.erase(running_.begin() + long(i));
        else
          ++i;
    }
  }

 private:
  void fill();
  bool claim(long number);
  void start(const search::Asked& asked);
  bool follow(Running& r);
  void read_log(Running& r);
  void end(Running& r);
  std::optional<double> value_of(const Running& r) const;
  void fail_for_want_of_metric(const Running& r) const;
  void say(long number, bool failed) const;
  std::string text(long number) const { return setup_.directory(number) + ".txt"; }

  search::Study& study_;
  const Setup& setup_;
  std::vector<Running> running_;
  std::map<long, int> locks_;  // by number: kept while this process lives
};

// A lock that the system drops with this process, and that the trial's own process does not inherit.
bool Loop::claim(long number) {
  const std::string path = setup_.directory(number) + ".lock";
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  nn::check_io(fd >= 0, path, "written");
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return locks_.emplace(number, fd).second;
  close(fd);
  return false;
}

void Loop::fill() {
  while (!run::stop_signal() && long(running_.size()) < setup_.jobs) {
    const auto asked = study_.ask(setup_.trials, [&](long number) { return claim(number); });
    if (!asked) return;
    start(*asked);
  }
}

// A run of ours that has its options.ini is gone on with; what has begun and cannot be is begun again. Another program
// begins again, too: a log that it only appends to would count the measurements of before as its first ones.
void Loop::start(const search::Asked& asked) {
  const std::string directory = setup_.directory(asked.number);
  const Trial& trial = study_.trial(asked.number);
  std::vector<std::string> words = words_of(setup_.command, trial, search::Study::seed_of(trial), directory);
  if (asked.resumed && !says_where(setup_.command) && fs::exists(directory)) {
    if (fs::exists(directory + "/options.ini")) {
      const auto options = std::find_if(words.begin(), words.end(), [](const auto& w) { return w.starts_with("-"); });
      words.erase(options, words.end());
      words.push_back("--resume=" + directory);
    } else {
      words.push_back("--overwrite");
    }
  }
  const int processors = int(std::thread::hardware_concurrency());
  const int threads = setup_.jobs > 1 ? std::max(1, processors / int(setup_.jobs)) : 0;
  const std::string log = directory + "/log.jsonl";
  const bool anew = asked.resumed && says_where(setup_.command);
  running_.push_back({.number = asked.number,
                      .log = LogReader(log, setup_.metric),
                      .process = std::make_unique<Process>(words, text(asked.number), threads, anew ? log : "")});
  if (asked.resumed) run::print_note("trial {} goes on\n", asked.number);
}

void Loop::read_log(Running& r) {
  const std::vector<double> values = r.log.fresh();
  if (r.log.begun_anew()) r.step = 0;
  for (const double value : values) {
    if (r.pruned) return;
    r.pruned = study_.report(r.number, ++r.step, value);
  }
}

// Whether it is over.
bool Loop::follow(Running& r) {
  const bool over = r.process->over();  // before its log is read for the last time
  read_log(r);
  if (r.pruned) r.process->stop();
  if (!over) return false;
  end(r);
  return true;
}

std::optional<double> Loop::value_of(const Running& r) const {
  if (setup_.metric.starts_with(kResult)) {
    const auto results = results_of(text(r.number));
    const auto at = results.find(setup_.metric.substr(std::string(kResult).size()));
    return at == results.end() ? std::nullopt : std::optional(at->second);
  }
  std::optional<double> best;
  for (const auto& [step, value] : study_.trial(r.number).reports) {
    const bool better =
        !best || std::isnan(*best) || (setup_.direction == search::Direction::maximize ? value > *best : value < *best);
    if (better) best = value;
  }
  return best;
}

void Loop::fail_for_want_of_metric(const Running& r) const {
  const bool of_result = setup_.metric.starts_with(kResult);
  std::vector<std::string> names;
  if (of_result)
    for (const auto& [name, value] : results_of(text(r.number))) names.push_back(kResult + name);
  else
    names = r.log.names();
  const std::string where =
      of_result ? "the last line `result ...` of " + text(r.number) : setup_.directory(r.number) + "/log.jsonl";
  engine::fail("metric {}: {} does not have it; there is {}{}", setup_.metric, where,
               names.empty() ? "nothing" : text::listed(names), text::did_you_mean(setup_.metric, names));
}

// A trial whose process was asked to stop, and by no pruner, stays as it is: running, to be gone on with.
void Loop::end(Running& r) {
  const int status = r.process->status();
  if (r.pruned) return say(r.number, false);
  if (run::stop_signal() && status != 0) return;
  const std::optional<double> value = status == 0 ? value_of(r) : std::nullopt;
  study_.finish(r.number, value);
  say(r.number, status != 0);
  check(status != 2 && status != 127, "trial {}: {}: {}", r.number, setup_.command[0], complaint(text(r.number)));
  if (status == 0 && !value) fail_for_want_of_metric(r);
  const std::vector<Trial>& all = study_.record().trials;
  const auto count = [&](State s) {
    return std::count_if(all.begin(), all.end(), [&](auto& t) { return t.state == s; });
  };
  constexpr long kTries = 3;
  check(count(State::failed) < kTries || count(State::complete) + count(State::pruned) > 0,
        "the first {} trials have failed; the last one: {}", count(State::failed), complaint(text(r.number)));
}

void Loop::say(long number, bool failed) const {
  const Trial& t = study_.trial(number);
  std::string values;
  for (const std::string& option : options_of(t)) values += " " + option;
  const Trial* best = search::best_of(study_.record().trials, setup_.direction);
  run::print_note("trial {:<4} {:<8} {:<9}{}{}\n", number, name_of(t.state),
                  t.value ? fmt::format("{:.5g}", *t.value) : "", values,
                  failed       ? "   " + complaint(text(number))
                  : best == &t ? "   (the best so far)"
                               : "");
}

}  // namespace

void run_trials(search::Study& study, const Setup& setup) {
  run::listen_for_stop();
  Loop(study, setup).run();
  run::end_listening();
  if (!run::stop_signal()) return;
  run::print_note("stopped by signal {}; the same command goes on\n", run::stop_signal());
  throw run::Exit{128 + run::stop_signal()};
}

}  // namespace tune
