// The steps of a training run, its log and its signals. Read tasks/run/run.h first: what is in the directory.
#include "tasks/run/run.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <exception>
#include <limits>

#include "engine/blas.h"
#include "engine/debug.h"
#include "engine/memory.h"
#include "engine/profile.h"
#include "nn/format/files.h"
#include "nn/format/json_value.h"
#include "nn/format/part_file.h"
#include "tasks/run/card.h"
#include "tasks/run/console.h"
#include "tasks/run/event_log.h"
#include "tasks/run/stop.h"

namespace run {
namespace {

using engine::check;
using nn::ordered_json;

std::string postfix_of(const ordered_json& figures) {
  std::string text;
  for (const auto& [key, value] : figures.items())
    if (value.is_number()) text += fmt::format("{}{}={:.3g}", text.empty() ? "" : ", ", key, value.get<double>());
  return text;
}

}  // namespace

Run::Run(const Plan& plan)
    : plan_(plan),
      directory_(plan.place, plan.options),
      best_(-std::numeric_limits<double>::infinity()),
      start_(std::chrono::steady_clock::now()),
      saved_(start_) {
  check(plan.steps > 0 && plan.steps_per_epoch > 0, "a run needs at least one step; got {}", plan.steps);
  listening_ = true;
  listen_for_stop();
  engine::profile_end("set-up", engine::Pass::other);
}

Run::~Run() {
  if (events_ && std::uncaught_exceptions() && !interrupted()) try {
      events_->end(events::Status::failure);
    } catch (const engine::Error&) {  // the error that ends the run is said, not this one
    }
  if (log_ >= 0) close(log_);
  if (listening_) end_listening();
}

void Run::open_log() {
  const std::string path = file("log.jsonl");
  log_ = int(nn::uninterrupted([&] { return open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666); }));
  nn::check_io(log_ >= 0, path, "written");
  progress_.emplace("train", progress_total(), progress_done());
  if (!plan_.events.empty()) events_ = std::make_unique<EventLog>(plan_.events, plan_.options, step_ + 2);
}

double Run::used() const { return plan_.used ? plan_.used() : double(step_ + 1) / double(plan_.steps); }

// Of a budget that is not counted in steps, thousandths of it.
long Run::progress_total() const { return plan_.used ? 1000 : plan_.steps; }
long Run::progress_done() const { return plan_.used ? std::lround(1000 * std::min(1.0, used())) : step_ + 1; }

bool Run::next_step() {
  if (log_ < 0) open_log();
  const auto now = std::chrono::steady_clock::now();
  if (step_begun_.time_since_epoch().count())
    step_seconds_.push_back(std::chrono::duration<float>(now - step_begun_).count());
  step_begun_ = now;
  const bool patient = !plan_.patience || since_best_ < plan_.patience;
  const bool over = used() >= 1, done = !patient || over;
  if (!patient && !over)
    say(fmt::format("stopped early: {} epochs in a row were not better than the best", since_best_));
  if (done) {  // the signals first: one that comes now is either seen below or ends the program
    end_listening();
    listening_ = false;
  }
  if (done || stop_requested()) {
    progress_->interrupt();
    directory_.require_ours("log.jsonl", log_);
    if (done) write_cost();
    if (done && events_) events_->end(events::Status::success);
    return false;
  }
  ++step_;
  return true;
}

void Run::log(const ordered_json& figures) {
  ordered_json line{{"step", step_ + 1}, {"epoch", epoch()}};
  line.update(figures);
  if (log_ < 0) open_log();
  const std::string text = line.dump() + "\n";
  nn::check_io(nn::write_all(log_, text.data(), text.size()), file("log.jsonl"), "written");
  if (events_) events_->figures(step_ + 1, figures);
  if (const std::string postfix = postfix_of(figures); !postfix.empty()) progress_->update(progress_done(), postfix);
  engine::profile_end("log", engine::Pass::other);
}

// Of a run that was continued, the milliseconds and the memory are those of the last process.
void Run::write_cost() const {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  ordered_json cost{{"steps", step_ + 1},
                    {"seconds", seconds()},
                    {"peak_memory_mb", double(use.ru_maxrss) / 1024},
                    {"peak_tensors_mb", double(engine::memory_use().peak) / (1 << 20)},
                    {"machine", engine::blas_description()}};
  if (events_) cost["events_seconds"] = events_->seconds();
  if (std::vector<float> sorted = step_seconds_; !sorted.empty()) {
    std::sort(sorted.begin(), sorted.end());
    cost["step_ms_median"] = 1e3 * double(sorted[sorted.size() / 2]);
    cost["step_ms_95_percent"] = 1e3 * double(sorted[sorted.size() * 95 / 100]);
  }
  nn::write_file(file("cost.json"), cost.dump(2) + "\n");
}

void Run::require_finite(const std::vector<engine::Tensor>& tensors) const {
  for (const engine::Tensor& t : tensors)
    check(engine::all_finite(t.data(), t.numel()),
          "step {}: {} holds a NaN or an infinity; nothing has been replaced in {}", step_ + 1, t, plan_.place.path);
}

bool Run::is_best(double metric) {
  ++since_best_;
  if (!(metric > best_)) return false;
  best_ = metric;
  since_best_ = 0;
  return true;
}

void Run::replace_best(const std::function<void(const std::string& directory)>& save) const {
  directory_.replace_directory("best", [&](const std::string& directory) {
    save(directory);
    keep_edited_card(file("best"), directory);
  });
}

bool Run::due_for_save() const {
  const double since = std::chrono::duration<double>(std::chrono::steady_clock::now() - saved_).count();
  return since > 300 || (epoch_ends() && (save_seconds_ < 0.1 || since > 20 * save_seconds_));
}

bool Run::interrupted() const { return stop_requested(); }

void Run::leave() const {
  print_note("stopped by signal {} after step {} of {}; continue with --resume {}\n", stop_signal(), step_ + 1,
             plan_.steps, plan_.place.path);
  throw Exit{128 + stop_signal()};
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
