// The environment switches and what they do at every op. Read engine/graph.cpp for where they are called.
#include "engine/debug.h"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <mutex>

#include "engine/graph.h"
#include "engine/profile.h"
#include "engine/strings.h"

namespace engine {
namespace {

const char* value_of(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// A number is a level; true, yes and on are 1; nothing and all else is 0.
int level_of(const char* name) {
  const std::string value = ascii_lower(value_of(name));
  for (const char* on : {"true", "yes", "on"})
    if (value == on) return 1;
  return int(std::strtol(value.c_str(), nullptr, 10));
}

double milliseconds_since_last_call() {
  using Clock = std::chrono::steady_clock;
  thread_local Clock::time_point last = Clock::now();
  const Clock::time_point now = Clock::now();
  const double milliseconds = std::chrono::duration<double, std::milli>(now - last).count();
  last = now;
  return milliseconds;
}

std::string statistics(const real* x, long n) {
  double sum = 0, squares = 0, largest = 0;
  for (long i = 0; i < n; ++i) {
    sum += x[i];
    largest = std::max(largest, std::abs(double(x[i])));
  }
  const double mean = n ? sum / n : 0;
  for (long i = 0; i < n; ++i) squares += (x[i] - mean) * (x[i] - mean);
  return fmt::format("  mean {:10.3e}  std {:9.3e}  max {:9.3e}", mean, n ? std::sqrt(squares / n) : 0, largest);
}

void print_line(const char* direction, const char* op, const Tensor& t, const real* x) {
  fmt::print(stderr, "{} {:<22} {:<24} {:8.3f} ms{}\n", direction, op, t.text(), milliseconds_since_last_call(),
             switches().debug > 1 ? statistics(x, t.numel()) : "");
}

double bytes_of(const std::vector<Tensor>& tensors) {
  double bytes = 0;
  for (const Tensor& t : tensors) bytes += double(t.numel()) * sizeof(real);
  return bytes;
}

std::string list(const std::vector<Tensor>& tensors) {
  std::string text;
  for (const Tensor& t : tensors) text += (text.empty() ? "" : ", ") + t.text();
  return text;
}

}  // namespace

Switches& switches() {
  static Switches all{level_of("DEBUG"), level_of("CHECK_NAN") != 0, value_of("GRAPH")};
  return all;
}

void all_switches_off() {
  switches() = {};
  profile_off();
}

bool all_finite(const real* x, long n) {
  bool finite = true;
  for (long i = 0; i < n; ++i) finite &= std::abs(x[i]) <= std::numeric_limits<real>::max();
  return finite;
}

void watch_forward(const char* op, const std::vector<Tensor>& inputs, const Tensor& y) {
  if (profiling()) profile_end(op, Pass::forward, bytes_of(inputs) + bytes_of({y}));
  if (switches().debug) print_line(" ", op, y, y.data());
  if (switches().check_nan && !all_finite(y.data(), y.numel()))
    fail("{}: the result {} has a NaN or infinity; inputs: {}", op, y, list(inputs));
}

void watch_backward(const char* op, const std::vector<Tensor>& inputs) {
  if (profiling()) profile_end(op, Pass::backward, 2 * bytes_of(inputs));
  for (const Tensor& x : inputs) {
    if (!x.has_grad()) continue;
    if (switches().debug) print_line("d", op, x, x.grad_data());
    if (switches().check_nan && !all_finite(x.grad_data(), x.numel()))
      fail("{}: the gradient of its input {} has a NaN or infinity", op, x);
  }
}

void watch_graph(const Tensor& loss) {
  static std::mutex first_one_only;
  const std::lock_guard lock(first_one_only);
  std::string& path = switches().graph_file;
  if (path.empty()) return;
  std::FILE* file = std::fopen(path.c_str(), "w");
  check(file, "GRAPH={}: the file cannot be written", path);
  fmt::print(file, "{}", graph_as_dot(loss));
  std::fclose(file);
  fmt::print(stderr, "graph of the loss: {} (dot -Tsvg {} > graph.svg; dot is in the package graphviz)\n", path, path);
  path.clear();
}

}  // namespace engine
