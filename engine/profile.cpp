// The table of PROFILE=1. Read engine/debug.cpp for where ops end, engine/blas.cpp for where operations are counted.
#include "engine/profile.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace engine {
namespace {

using Clock = std::chrono::steady_clock;

struct Part {
  long calls = 0;
  double seconds[3] = {};  // forward, backward, other
  double flops = 0, bytes = 0;
  double total() const { return seconds[0] + seconds[1] + seconds[2]; }
};

// The part that the calling thread is in.
struct Running {
  Clock::time_point since = Clock::now();
  double flops = 0, bytes = 0;
};
thread_local Running running;

class Profile {
 public:
  Profile()
      : on_(std::getenv("PROFILE") && std::strtol(std::getenv("PROFILE"), nullptr, 10) != 0), start_(running.since) {}
  ~Profile() {
    if (on_ && !parts_.empty()) print();
  }
  bool on() const { return on_; }
  void off() { on_ = false; }

  void end(const char* what, Pass pass, double bytes) {
    const Clock::time_point now = Clock::now();
    const std::lock_guard lock(mutex_);
    Part& part = parts_[what];
    part.calls += pass != Pass::backward;
    part.seconds[int(pass)] += std::chrono::duration<double>(now - running.since).count();
    part.flops += running.flops;
    part.bytes += running.bytes > 0 ? running.bytes : bytes;
    running = {now};
  }

 private:
  void print() {
    const double wall = std::chrono::duration<double>(Clock::now() - start_).count();
    std::vector<std::pair<std::string, Part>> rows(parts_.begin(), parts_.end());
    std::stable_sort(rows.begin(), rows.end(), [](auto& a, auto& b) { return a.second.total() > b.second.total(); });
    fmt::print(stderr, "\n{:<24}{:>9}{:>12}{:>12}{:>12}{:>8}{:>10}{:>8}\n", "PROFILE", "calls", "forward ms",
               "backward ms", "other ms", "share", "GFLOP/s", "GB/s");
    Part sum;
    for (const auto& [name, part] : rows) {
      line(name, part, wall);
      for (int pass = 0; pass < 3; ++pass) sum.seconds[pass] += part.seconds[pass];
      sum.flops += part.flops;
    }
    line("sum", sum, wall);
    fmt::print(stderr, "{:<24}{:>45.1f}{:>8.1f}%\n", "wall clock", 1e3 * wall, 100.);
  }

  static void line(const std::string& name, const Part& part, double wall) {
    const auto rate = [&](double work) { return work > 0 ? fmt::format("{:.1f}", work / part.total() / 1e9) : ""; };
    const auto ms = [&](Pass pass) {
      const double seconds = part.seconds[int(pass)];
      return seconds > 0 ? fmt::format("{:.1f}", 1e3 * seconds) : "";
    };
    fmt::print(stderr, "{:<24}{:>9}{:>12}{:>12}{:>12}{:>7.1f}%{:>10}{:>8}\n", name, part.calls, ms(Pass::forward),
               ms(Pass::backward), ms(Pass::other), 100 * part.total() / wall, rate(part.flops), rate(part.bytes));
  }

  bool on_;
  Clock::time_point start_;
  std::mutex mutex_;
  std::map<std::string, Part> parts_;
};

Profile profile;

}  // namespace

bool profiling() { return profile.on(); }
void profile_off() { profile.off(); }

void profile_end(const char* what, Pass pass, double bytes) {
  if (profile.on()) profile.end(what, pass, bytes);
}

void profile_work(double flops, double bytes) {
  if (!profile.on()) return;
  running.flops += flops;
  running.bytes += bytes;
}

}  // namespace engine
