// A run's directory as numbers. Read tasks/run/README.md first: what it holds.
#include "tasks/report/run_files.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "nn/format/json.h"
#include "tasks/run/options_file.h"

namespace report {

namespace fs = std::filesystem;
using engine::check;
using nn::ordered_json;

namespace {

constexpr const char* kIdLine = "# run ";

// Calls with every object of a file of JSON lines and its number; a last line without its end is still being written.
template <class F>
void for_lines(const std::string& path, F f) {
  const std::string text = nn::read_file(path);
  long number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    if (end == text.npos) return;
    ++number;
    const std::string where = fmt::format("{}:{}", path, number);
    const ordered_json line = nn::parse_ordered_json(std::string_view(text).substr(begin, end - begin), where);
    check(line.is_object(), "{}: not a JSON object", where);
    f(line, number);
    begin = end + 1;
  }
}

void add_point(std::vector<Curve>& curves, const std::string& name, Point point) {
  auto at = std::find_if(curves.begin(), curves.end(), [&](const Curve& c) { return c.name == name; });
  if (at == curves.end()) at = curves.insert(curves.end(), {name, {}});
  at->points.push_back(point);
}

void add_figures(std::vector<Curve>& curves, const std::string& group, double step, const ordered_json& figures) {
  for (const auto& [name, value] : figures.items()) {
    if (group.empty() && (name == "step" || name == "epoch")) continue;
    const std::string full = (group.empty() && !value.is_object() ? "train" : group) +
                             (group.empty() && value.is_object() ? "" : "/") + name;
    if (value.is_number()) add_point(curves, full, {step, value.get<double>()});
    if (value.is_object()) add_figures(curves, full, step, value);
  }
}

ordered_json json_of(const std::string& path) {
  if (!fs::exists(path)) return nullptr;
  ordered_json json = nn::parse_ordered_json(nn::read_file(path), path);
  check(json.is_object(), "{}: not a JSON object", path);
  return json;
}

Predictions read_predictions(const std::string& path) {
  Predictions all;
  for_lines(path, [&](const ordered_json& line, long number) {
    const auto text = [&](const char* key, bool needed) {
      const bool there = line.contains(key) && line[key].is_string();
      check(there || !needed, "{}:{}: has no text '{}'", path, number, key);
      return there ? line[key].get<std::string>() : std::string();
    };
    Prediction p{text("where", false), text("text", true), text("pair", false), -1, -1, 0, 0, {}};
    const bool numbers = line.contains("label") && line["label"].is_number() && line.contains("predicted") &&
                         line["predicted"].is_number();
    if (numbers) {
      p.number = line["label"];
      p.predicted_number = line["predicted"];
    } else {
      check(line.contains("scores") && line["scores"].is_object(), "{}:{}: has no scores", path, number);
      std::vector<std::string> labels;
      for (const auto& [label, score] : line["scores"].items()) {
        check(score.is_number(), "{}:{}: a score that is no number", path, number);
        labels.push_back(label);
        p.scores.push_back(score);
      }
      if (all.rows.empty()) all.labels = labels;
      const auto place = [&](const std::string& label) {
        const auto at = std::find(labels.begin(), labels.end(), label);
        check(at != labels.end(), "{}:{}: '{}' has no score", path, number, label);
        return int(at - labels.begin());
      };
      p.label = place(text("label", true));
      p.predicted = place(text("predicted", true));
      check(labels == all.labels, "{}:{}: has other labels than the line above", path, number);
    }
    check(numbers == all.labels.empty(), "{}:{}: labels and numbers in one file", path, number);
    all.rows.push_back(std::move(p));
  });
  return all;
}

}  // namespace

std::vector<bool> Predictions::right() const {
  std::vector<bool> right;
  for (const Prediction& p : rows) right.push_back(p.label == p.predicted);
  return right;
}

std::vector<int> Predictions::truth() const {
  std::vector<int> classes;
  for (const Prediction& p : rows) classes.push_back(p.label);
  return classes;
}

std::vector<int> Predictions::predicted() const {
  std::vector<int> classes;
  for (const Prediction& p : rows) classes.push_back(p.predicted);
  return classes;
}

std::string RunFiles::setting(const std::string& wanted) const {
  for (const auto& [option, value] : settings)
    if (option == wanted) return value;
  return "";
}

const Curve* RunFiles::curve(const std::string& wanted) const {
  for (const Curve& c : curves)
    if (c.name == wanted) return &c;
  return nullptr;
}

namespace {

// Of a run of several tasks those with a PATH/predictions/TASK.jsonl.
std::vector<std::string> tasks_of(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& file : fs::directory_iterator(path + "/predictions", error)) names.push_back(file.path().stem());
  std::sort(names.begin(), names.end());
  return names;
}

// PATH/predictions.jsonl, or of several tasks that of one.
std::optional<Predictions> predictions_of(const RunFiles& run, const std::string& task) {
  const std::string one = run.path + "/predictions.jsonl", own = run.path + "/predictions/" + task + ".jsonl";
  if (task.empty()) return fs::exists(one) ? std::optional(read_predictions(one)) : std::nullopt;
  check(fs::exists(own), "{}: no predictions of a task '{}'{}", run.path, task,
        run.tasks.empty() ? "" : fmt::format("; there are those of {}", fmt::join(run.tasks, ", ")));
  return read_predictions(own);
}

}  // namespace

std::vector<std::string> files_of(const std::string& path) {
  std::vector<std::string> files;
  for (const char* file : {"options.ini", "log.jsonl", "result.json", "cost.json", "predictions.jsonl"})
    files.push_back(path + "/" + file);
  for (const std::string& task : tasks_of(path)) files.push_back(path + "/predictions/" + task + ".jsonl");
  return files;
}

RunFiles read_run(const std::string& path, const std::string& task) {
  check(fs::is_directory(path), "{}: there is no such directory", path);
  const std::string ini = path + "/options.ini";
  check(fs::exists(ini), "{}: not the directory of a run: there is no options.ini", path);
  RunFiles run;
  run.path = path;
  run.name = fs::path(path + "/").lexically_normal().parent_path().filename();
  const std::string text = nn::read_file(ini);
  if (text.starts_with(kIdLine)) run.id = text.substr(6, text.find('\n') - 6);
  for (const run::OptionLine& line : run::parse_option_lines(text, ini)) {
    std::string value = line.values.empty() ? "yes" : "";
    for (const std::string& v : line.values) value += (value.empty() ? "" : ", ") + v;
    if (!run.settings.empty() && run.settings.back().first == line.name)
      run.settings.back().second += ", " + value;
    else
      run.settings.emplace_back(line.name, value);
  }
  if (const std::string log = path + "/log.jsonl"; fs::exists(log))
    for_lines(log, [&](const ordered_json& line, long number) {
      check(line.contains("step") && line["step"].is_number(), "{}:{}: has no step", log, number);
      add_figures(run.curves, "", line["step"], line);
    });
  run.result = json_of(path + "/result.json");
  run.cost = json_of(path + "/cost.json");
  run.tasks = tasks_of(path);
  run.predictions = predictions_of(run, task);
  return run;
}

std::vector<RunFiles> read_runs(const std::vector<std::string>& paths, const std::string& task) {
  std::vector<RunFiles> runs;
  for (const std::string& path : paths) runs.push_back(read_run(path, task));
  for (const RunFiles& run : runs)
    for (RunFiles& other : runs)
      if (&run != &other &&
          fs::path(run.path + "/").lexically_normal() == fs::path(other.path + "/").lexically_normal())
        engine::fail("{}: named twice", run.path);
  std::vector<std::string> names;
  for (const RunFiles& run : runs) names.push_back(run.name);
  for (RunFiles& run : runs)
    if (std::count(names.begin(), names.end(), run.name) > 1) run.name = run.path;
  return runs;
}

}  // namespace report
