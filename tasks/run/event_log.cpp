// A run as TensorBoard shows it. Read tasks/run/event_log.h first, and tasks/events/summary.h: what values look like.
#include "tasks/run/event_log.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "engine/parallel.h"
#include "engine/strings.h"
#include "nn/format/json_value.h"
#include "tasks/run/options.h"
#include "tasks/run/options_file.h"

namespace run {

namespace fs = std::filesystem;
using engine::check;
using engine::Tensor;
using nn::ordered_json;

namespace {

constexpr int kShare = 1000;  // of the run's time, for each kind of work that is done sparingly

events::Setting setting_of(const OptionLine& line) {
  if (line.values.empty()) return true;
  if (line.values == std::vector<std::string>{"true"} || line.values == std::vector<std::string>{"false"})
    return line.values[0] == "true";
  if (line.values.size() == 1)
    if (const auto number = engine::parse_number<double>(line.values[0])) return *number;
  std::string text;
  for (const std::string& value : line.values) text += (text.empty() ? "" : ", ") + value;
  return text;
}

std::string text_of(const events::Setting& setting) {
  if (const double* number = std::get_if<double>(&setting)) return fmt::format("{:g}", *number);
  if (const bool* truth = std::get_if<bool>(&setting)) return *truth ? "yes" : "no";
  return std::get<std::string>(setting);
}

// The table of settings, and what TensorBoard's page of hyper-parameters shows of a run: all of them, and the figures
// that tell how good they were. Options on several lines are one setting. A run of a search (`tasks/tune/experiment.h`)
// leaves what there is to choose among to it: of several experiments below one root TensorBoard shows any.
std::vector<events::Proto> settings_of(const std::string& options, bool of_search) {
  std::vector<OptionLine> lines;
  for (const OptionLine& line : parse_option_lines(options, "options.ini")) {
    const auto same = [&](const OptionLine& other) { return other.name == line.name; };
    const auto before = std::find_if(lines.begin(), lines.end(), same);
    if (before == lines.end())
      lines.push_back(line);
    else
      before->values.insert(before->values.end(), line.values.begin(), line.values.end());
  }
  std::vector<std::pair<std::string, events::Setting>> settings;
  std::vector<events::HParam> parameters;
  std::vector<std::vector<std::string>> cells{{"option", "value"}};
  std::string metric = "loss";
  for (const OptionLine& line : lines) {
    using Type = events::HParam::Type;
    const events::Setting setting = setting_of(line);
    const Type types[] = {Type::number, Type::truth, Type::text};  // in the order of Setting
    settings.emplace_back(line.name, setting);
    parameters.push_back({line.name, "", types[setting.index()], {}, {}});
    cells.push_back({line.name, text_of(setting)});
    if (line.name == "metric") metric = text_of(setting);
  }
  const std::vector<events::Metric> metrics{{"dev/" + metric, "", "", events::Metric::Of::validation},
                                            {"train/loss", "", "", events::Metric::Of::training}};
  const double now = events::wall_time();
  std::vector<events::Proto> all{events::session_begins(now, settings), events::table("settings", cells)};
  if (!of_search) all.insert(all.begin(), events::experiment(now, parameters, metrics));
  return all;
}

// Whether a directory above has events.
bool below_events(const std::string& directory) {
  const fs::path whole = fs::weakly_canonical(directory);
  for (fs::path above = whole.parent_path(); above != above.parent_path(); above = above.parent_path())
    if (!events::event_files(above).empty()) return true;
  return false;
}

bool inside(const std::string& path, const std::string& directory) {
  const fs::path here = fs::weakly_canonical(directory), there = fs::weakly_canonical(path);
  return std::mismatch(here.begin(), here.end(), there.begin(), there.end()).first == here.end();
}

void add_scalars(std::vector<events::Proto>& values, const std::string& group, const ordered_json& figures) {
  for (const auto& [name, figure] : figures.items()) {
    if (figure.is_number())
      values.push_back(events::scalar((group.empty() ? "train" : group) + "/" + name, figure.get<float>()));
    if (figure.is_object()) add_scalars(values, group.empty() ? name : group + "/" + name, figure);
  }
}

}  // namespace

std::string event_directory(const TrainingOptions& options) {
  return options.events == "auto" ? options.out + "/events" : options.events;
}

void check_event_directory(const TrainingOptions& options) {
  const std::string directory = event_directory(options);
  if (directory.empty() || options.events == "auto") return;
  check(!inside(directory, options.out), "--events {}: inside the run's directory; `--events auto` has a place there",
        directory);
  fs::path first = directory;  // of the path, what is there already
  while (!first.empty() && !fs::exists(first)) first = first.parent_path();
  const bool writable = first.empty() || (fs::is_directory(first) && access(first.c_str(), W_OK | X_OK) == 0);
  check(writable, "--events {}: {} is not a directory that can be written", directory, first.string());
  const bool ours = !options.resume.empty() || options.overwrite;
  check(ours || events::event_files(directory).empty(),
        "--events {}: has the events of another run; name a new directory, or --overwrite replaces them", directory);
}

EventLog::EventLog(const std::string& directory, const std::string& options, long next_step)
    : writer_([&]() -> const std::string& {
        if (next_step == 1)
          for (const std::string& before : events::event_files(directory)) fs::remove(before);
        return directory;
      }()) {
  if (next_step > 1)
    writer_.restart(next_step);
  else
    writer_.add(0, settings_of(options, below_events(directory)));
  writer_.flush();
}

void EventLog::figures(long step, const ordered_json& figures) {
  const Timed timed(*this);
  std::vector<events::Proto> values;
  add_scalars(values, "", figures);
  add(step, values);
}

void EventLog::add(long step, const std::vector<events::Proto>& values) {
  const Timed timed(*this);
  writer_.add(step, values);
  if (Clock::now() - flushed_ > std::chrono::seconds(1))
    flush();  // a write a step is half of what a tiny step may cost
}

void EventLog::flush() {
  const Timed timed(*this);
  writer_.flush();
  flushed_ = Clock::now();
}

void EventLog::parameters(long step, const std::vector<Tensor>& tensors) {
  std::vector<std::vector<events::Bin>> weights(tensors.size()), gradients(tensors.size());
  engine::parallel_tasks(long(tensors.size()), [&](long i) {
    const Tensor& t = tensors[size_t(i)];
    weights[size_t(i)] = events::bins_of(t.data(), t.numel(), events::kBins);
    if (t.has_grad()) gradients[size_t(i)] = events::bins_of(t.grad_data(), t.numel(), events::kBins);
  });
  std::vector<events::Proto> values;
  for (size_t i = 0; i < tensors.size(); ++i) {
    values.push_back(events::histogram("weights/" + tensors[i].name(), weights[i]));
    if (tensors[i].has_grad()) values.push_back(events::histogram("gradients/" + tensors[i].name(), gradients[i]));
  }
  add(step, values);
}

void EventLog::sparingly(const std::string& name, const std::function<void()>& work) {
  const Timed timed(*this);
  const Clock::time_point begun = Clock::now();
  const auto before = done_.find(name);
  if (before != done_.end() && begun - before->second.at < kShare * before->second.took) return;
  work();
  const Clock::time_point ended = Clock::now();
  done_[name] = {ended, ended - begun};
}

void EventLog::end(events::Status status) {
  add(0, {events::session_ends(events::wall_time(), status)});
  flush();
}

}  // namespace run
