// The life of a training run on disk and on the screen. Read tasks/run/run.h first: what is in the directory.
#include "tasks/run/run.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/profile.h"
#include "tasks/run/program.h"

namespace run {
namespace {

using engine::check;
using nlohmann::ordered_json;

volatile std::sig_atomic_t stopped_by = 0;

// The first signal lets the step finish; a second one of the same kind ends the program at once.
void stop_after_step(int signal) {
  stopped_by = signal;
  std::signal(signal, SIG_DFL);
}

// A lock that the system drops with the process, however it ends.
int lock_directory(const std::string& directory) {
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  nn::check_io(fd >= 0, directory, "opened");
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  close(fd);
  engine::fail("{}: another run is writing here", directory);
}

// Creates or clears the directory; returns the lock on it.
int prepare_directory(const Plan& plan) {
  namespace fs = std::filesystem;
  const std::string& directory = plan.directory;
  check(!plan.resume || fs::exists(directory + "/last.safetensors"),
        "{}: nothing to resume: there is no last.safetensors", directory);
  check(!fs::exists(directory) || fs::is_directory(directory), "{}: is a file, not a directory", directory);
  std::error_code error;
  fs::create_directories(directory, error);
  check(!error, "{}: cannot be created: {}", directory, error.message());
  const int lock = lock_directory(directory);
  if (plan.resume || fs::is_empty(directory)) return lock;
  if (!plan.overwrite) close(lock);
  check(plan.overwrite, "{}: the output directory is not empty; --overwrite replaces it, --resume continues it",
        directory);
  for (const char* name : {"options.ini", "log.jsonl", "best", "last.safetensors", "result.json"})
    fs::remove_all(directory + "/" + name);  // ours; what else is there stays
  return lock;
}

// Lines that a killed run wrote after its last checkpoint belong to steps that are about to be done again.
void drop_lines_after(const std::string& path, long step) {
  std::string kept;
  const std::string log = nn::read_file(path);
  for (size_t begin = 0; begin < log.size();) {
    const size_t end = std::min(log.find('\n', begin), log.size());
    const auto line = ordered_json::parse(log.substr(begin, end - begin), nullptr, false);
    const bool ours = line.is_object() && line.contains("step") && line["step"].is_number_integer();
    if (ours && line["step"].get<long>() <= step) kept += log.substr(begin, end - begin) + "\n";
    begin = end + 1;
  }
  nn::write_file(path, kept);
}

std::string postfix_of(const ordered_json& figures) {
  std::string text;
  for (const auto& [key, value] : figures.items())
    if (value.is_number()) text += fmt::format("{}{}={:.3g}", text.empty() ? "" : ", ", key, value.get<double>());
  return text;
}

}  // namespace

Run::Run(const Plan& plan)
    : plan_(plan),
      best_(-std::numeric_limits<double>::infinity()),
      start_(std::chrono::steady_clock::now()),
      saved_(start_) {
  check(plan.steps > 0 && plan.steps_per_epoch > 0, "a run needs at least one step; got {}", plan.steps);
  lock_ = prepare_directory(plan);
  if (!plan.resume) nn::write_file(file("options.ini"), plan.options);
  stopped_by = 0;
  std::signal(SIGINT, stop_after_step);
  std::signal(SIGTERM, stop_after_step);
  engine::profile_end("set-up", engine::Pass::other);
}

Run::~Run() {
  if (log_) std::fclose(log_);
  close(lock_);
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

bool Run::next_step() {
  if (!log_) {
    log_ = std::fopen(file("log.jsonl").c_str(), "a");
    nn::check_io(log_ != nullptr, file("log.jsonl"), "written");
    progress_.emplace("train", plan_.steps, step_ + 1);
  }
  const bool patient = !plan_.patience || since_best_ < plan_.patience;
  if (!patient && step_ + 1 < plan_.steps)
    say(fmt::format("stopped early: {} epochs in a row were not better than the best", since_best_));
  if (stopped_by || !patient || step_ + 1 >= plan_.steps) {
    progress_->interrupt();
    return false;
  }
  ++step_;
  return true;
}

void Run::log(const ordered_json& figures) {
  ordered_json line{{"step", step_ + 1}, {"epoch", epoch()}};
  line.update(figures);
  const std::string text = line.dump() + "\n";
  nn::check_io(std::fwrite(text.data(), 1, text.size(), log_) == text.size() && std::fflush(log_) == 0,
               file("log.jsonl"), "written");
  if (const std::string postfix = postfix_of(figures); !postfix.empty()) progress_->update(step_ + 1, postfix);
  engine::profile_end("log", engine::Pass::other);
}

void Run::require_finite(const engine::Tensor& loss) const {
  if (!std::isfinite(loss.item()))
    engine::fail("step {}: the loss is {}; {}", step_ + 1, loss.item(), engine::first_nonfinite(loss));
}

bool Run::is_best(double metric) {
  ++since_best_;
  if (!(metric > best_)) return false;
  best_ = metric;
  since_best_ = 0;
  return true;
}

void Run::save(const std::vector<engine::Tensor>& parameters, const optim::Optimizer& optimizer) const {
  save(parameters, optimizer, ordered_json::object());
}

void Run::save(const std::vector<engine::Tensor>& parameters, const optim::Optimizer& optimizer,
               const ordered_json& position) const {
  std::vector<engine::Tensor> all = parameters;
  for (const engine::Tensor& t : optimizer.state()) all.push_back(t);
  const ordered_json state{{"step", step_},
                           {"best", best_},
                           {"since_best", since_best_},
                           {"seconds", seconds()},
                           {"position", position},
                           {"options", engine::hash_of(plan_.options)}};
  nn::save_safetensors(file("last.safetensors"), all, {{"state", state.dump()}});
  saved_ = std::chrono::steady_clock::now();
  engine::profile_end("checkpoint", engine::Pass::other);
}

ordered_json Run::restore(const std::vector<engine::Tensor>& parameters, optim::Optimizer& optimizer) {
  const nn::SafeTensors checkpoint(file("last.safetensors"));
  const auto read = [&](const std::string& name, const engine::Shape& shape, engine::real* to) {
    check(engine::Shape(checkpoint.entry(name).shape) == shape, "{}: '{}' has another shape than this run's {}",
          checkpoint.path(), name, shape);
    checkpoint.read_into(name, to);
  };
  for (const engine::Tensor& p : parameters) read(p.name(), p.shape(), p.data());
  for (const engine::Tensor& s : optimizer.state()) read(s.name(), s.shape(), s.data());
  const auto text = checkpoint.metadata().find("state");
  check(text != checkpoint.metadata().end(), "{}: not a checkpoint of a run: it has no state", checkpoint.path());
  const auto state = ordered_json::parse(text->second, nullptr, false);
  const auto number = [&](const char* key) {
    return state.is_object() && state.contains(key) && state[key].is_number();
  };
  check(number("step") && state["step"].is_number_integer() && state["step"] >= -1 && state["step"] < plan_.steps,
        "{}: its step is not one of this run's {}", checkpoint.path(), plan_.steps);
  check(number("options") && state["options"] == engine::hash_of(plan_.options),
        "{}: options.ini has changed since; start a new run with --config", plan_.directory);
  step_ = state["step"];
  if (number("best")) best_ = state["best"];
  if (number("since_best")) since_best_ = state["since_best"];
  if (number("seconds")) seconds_before_ = state["seconds"];
  drop_lines_after(file("log.jsonl"), step_ + 1);
  say(fmt::format("resuming {} after step {} of {}", plan_.directory, step_ + 1, plan_.steps));
  return state.contains("position") ? state["position"] : ordered_json::object();
}

bool Run::due_for_save() const { return std::chrono::steady_clock::now() - saved_ > std::chrono::minutes(5); }

bool Run::interrupted() const { return stopped_by != 0; }

void Run::leave() const {
  print_note("stopped by signal {} after step {} of {}; continue with --resume {}\n", int(stopped_by), step_ + 1,
             plan_.steps, plan_.directory);
  throw Exit{128 + int(stopped_by)};
}

void Run::pause() {
  if (progress_) progress_->interrupt();
}

void Run::say(const std::string& text) {
  pause();
  print_note("{}\n", text);
}

double Run::seconds() const {
  return seconds_before_ + std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

std::string default_directory(const std::string& task) {
  const std::time_t now = std::time(nullptr);
  char stamp[32];
  std::strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", std::localtime(&now));
  return fmt::format("runs/{}-{}", task, stamp);
}

}  // namespace run
