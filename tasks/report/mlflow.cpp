// MLflow's file store. Read tasks/report/mlflow.h first; the form is that of mlflow/store/tracking/file_store.py.
#include "tasks/report/mlflow.h"

#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "nn/format/files.h"
#include "nn/format/sha256.h"

namespace report {

namespace fs = std::filesystem;

namespace {

constexpr size_t kLongest = 500;  // of a parameter, in releases before 2.8; the artifacts have all of it

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

// Letters, digits, and what MLflow allows beside them; a name with "/" is a folder there, too.
std::string allowed(std::string name) {
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)) && std::string("_-. /").find(c) == std::string::npos) c = '_';
  return name;
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
  if (!run.result.is_object()) return;
  for (const auto& [name, value] : run.result.items())
    if (value.is_number()) write(folder + "/metrics/result/" + allowed(name), line(last, value.get<double>()));
}

}  // namespace

std::string export_to_mlflow(const RunFiles& run, const std::string& root, const std::string& experiment) {
  engine::check(!experiment.empty(), "the experiment needs a name");
  const std::string id = experiment_id(experiment), of_experiment = root + "/" + id;
  const std::string run_id = nn::sha256_hex(run.id.empty() ? fs::absolute(run.path).string() : run.id).substr(0, 32);
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
  for (const auto& [name, value] : run.settings) write(folder + "/params/" + allowed(name), value.substr(0, kLongest));
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
