// MLflow's file store. Read tasks/report/mlflow.h first; the form is that of mlflow/store/tracking/file_store.py.
#include "tasks/report/mlflow.h"

#include <sys/stat.h>
#include <utf8proc.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <set>

#include "nn/format/files.h"
#include "nn/format/sha256.h"
#include "tasks/text/utf8.h"

namespace report {

namespace fs = std::filesystem;

namespace {

constexpr size_t kLongest = 500;     // characters of a parameter, in releases before 2.8; the artifacts have all of it
constexpr size_t kLongestName = 60;  // characters, which are 240 bytes at most; a file's name has 255

long modified_ms(const std::string& path) {
  struct stat s {};
  nn::check_io(stat(path.c_str(), &s) == 0, path, "read");
  return long(s.st_mtim.tv_sec) * 1000 + s.st_mtim.tv_nsec / 1000000;
}

void write(const std::string& path, const std::string& text) {
  std::error_code error;
  fs::create_directories(fs::path(path).parent_path(), error);
  engine::check(!error, "{}: cannot be written: {}", path, error.message());
  nn::write_file(path, text);
}

// Letters and digits of any script, and what MLflow allows beside them; a name with "/" is a folder there, too.
std::string allowed(const std::string& name) {
  std::string to;
  for (size_t at = 0; at < name.size();) {
    const char32_t c = text::next_code_point(name, at).value;
    const char kind = *utf8proc_category_string(utf8proc_int32_t(c));  // the L of Lu, the N of Nd
    const bool fine = kind == 'L' || kind == 'N' || std::u32string(U"_-. /").find(c) != std::u32string::npos;
    text::append_utf8(to, fine ? c : U'_');
  }
  return to;
}

// A folder or a file of a name that may be a class's: one step down, and no longer than a file's name may be.
std::string one_step(const std::string& name) {
  std::string step;
  for (const char32_t c : text::decode_utf8(name).substr(0, kLongestName)) text::append_utf8(step, c == '/' ? U'_' : c);
  return step.find_first_not_of('.') == step.npos ? "_" + step : allowed(step);
}

// The first characters of a parameter, without control characters and ends of lines: MLflow refuses a second line.
std::string one_line(const std::string& value) {
  std::string to;
  for (const char32_t c : text::decode_utf8(value).substr(0, kLongest)) {
    const utf8proc_category_t kind = utf8proc_category(utf8proc_int32_t(c));
    const bool ends = kind == UTF8PROC_CATEGORY_CC || kind == UTF8PROC_CATEGORY_ZL || kind == UTF8PROC_CATEGORY_ZP;
    text::append_utf8(to, ends ? U' ' : c);
  }
  return to;
}

// In single quotes nothing but the quote itself is special to YAML.
std::string quoted(const std::string& text) {
  std::string to = "'";
  for (const char c : text) to += c == '\'' ? "''" : c == '\n' ? " " : std::string(1, c);
  return to + "'";
}

// Decimal digits, as MLflow names experiments; 16 of them are unique for whoever names things.
std::string experiment_id(const std::string& name) {
  return fmt::format("{}", 100000000000000000 + std::stoull(nn::sha256_hex(name).substr(0, 13), nullptr, 16));
}

struct Times {
  long begin, end;  // milliseconds since 1970
};

Times times_of(const RunFiles& run) {
  const std::string log = run.path + "/log.jsonl";
  const long begin = modified_ms(run.path + "/options.ini"), last = fs::exists(log) ? modified_ms(log) : begin;
  const double seconds = run.cost.is_object() ? run.cost.value("seconds", 0.) : 0;
  return {begin, std::max({begin, begin + std::lround(1000 * seconds), std::min(last, begin + 86400000)})};
}

// Every number of a JSON object; what is nested becomes a folder.
void write_numbers(const std::string& folder, const nn::ordered_json& json,
                   const std::function<std::string(double)>& line) {
  std::set<std::string> taken;  // names that differ only in what a file's name cannot have get a number
  for (const auto& [name, value] : json.items())
    if (one_step(name) == name) taken.insert(name);
  for (const auto& [name, value] : json.items()) {
    const std::string step = one_step(name);
    std::string free = step;
    for (int n = 2; free != name && !taken.insert(free).second; ++n) free = fmt::format("{}_{}", step, n);
    const std::string path = folder + "/" + free;
    if (value.is_number()) write(path, line(value.get<double>()));
    if (value.is_object()) write_numbers(path, value, line);
  }
}

void write_metrics(const RunFiles& run, const std::string& folder, const Times& times) {
  double last = 1;
  for (const Curve& c : run.curves)
    for (const Point& p : c.points) last = std::max(last, p.step);
  const auto line = [&](double step, double value) {
    const long at = times.begin + std::lround(double(times.end - times.begin) * step / last);
    return fmt::format("{} {} {:.0f}\n", at, value, step);
  };
  for (const Curve& c : run.curves) {
    std::string lines;
    for (const Point& p : c.points) lines += line(p.step, p.value);
    write(folder + "/metrics/" + allowed(c.name), lines);
  }
  if (run.result.is_object())
    write_numbers(folder + "/metrics/result", run.result, [&](double value) { return line(last, value); });
}

}  // namespace

std::string mlflow_id(const RunFiles& run) {
  return nn::sha256_hex(run.id.empty() ? fs::absolute(run.path).string() : run.id).substr(0, 32);
}

std::string export_to_mlflow(const RunFiles& run, const std::string& root, const std::string& experiment) {
  engine::check(!experiment.empty(), "the experiment needs a name");
  const std::string id = experiment_id(experiment), of_experiment = root + "/" + id;
  const std::string run_id = mlflow_id(run);
  const std::string folder = of_experiment + "/" + run_id;
  const Times times = times_of(run);
  if (!fs::exists(of_experiment + "/meta.yaml"))
    write(of_experiment + "/meta.yaml",
          fmt::format("artifact_location: {0}\ncreation_time: {1}\nexperiment_id: {2}\nlast_update_time: {1}\n"
                      "lifecycle_stage: active\nname: {3}\n",
                      quoted("./" + fs::path(root).filename().string() + "/" + id), times.begin, quoted(id),
                      quoted(experiment)));
  fs::remove_all(folder);
  const bool ended = run.result.is_object();
  for (const auto& [name, value] : run.settings) write(folder + "/params/" + allowed(name), one_line(value));
  write_metrics(run, folder, times);
  write(folder + "/tags/mlflow.runName", run.name);
  write(folder + "/tags/mlflow.source.name", "attune");
  for (const char* file : {"options.ini", "log.jsonl", "result.json", "cost.json", "best/README.md"})
    if (fs::exists(run.path + "/" + file))
      write(folder + "/artifacts/" + fs::path(file).filename().string(), nn::read_file(run.path + "/" + file));
  write(folder + "/meta.yaml",  // last: a run without it is none
        fmt::format("artifact_uri: {}\nend_time: {}\nentry_point_name: ''\nexperiment_id: {}\nlifecycle_stage: active\n"
                    "run_id: {}\nrun_name: {}\nrun_uuid: {}\nsource_name: ''\nsource_type: 4\nsource_version: ''\n"
                    "start_time: {}\nstatus: {}\ntags: []\nuser_id: ''\n",
                    quoted(fmt::format("./{}/{}/{}/artifacts", fs::path(root).filename().string(), id, run_id)),
                    ended ? std::to_string(times.end) : "null", quoted(id), quoted(run_id), quoted(run.name),
                    quoted(run_id), times.begin, ended ? 3 : 1));
  return folder;
}

}  // namespace report
