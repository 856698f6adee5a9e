// The progress line. Its form is tqdm's, which everybody can read.
#include "tasks/run/progress.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tasks/run/console.h"

namespace run {
namespace {

std::string bar(double share, int cells) {
  static const char* const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const int filled = int(share * cells * 8);
  std::string text;
  for (int i = 0; i < filled / 8; ++i) text += "█";
  text += eighths[filled % 8];
  const int used = filled / 8 + (filled % 8 ? 1 : 0);
  return text + std::string(std::max(0, cells - used), ' ');
}

}  // namespace

std::string clock_text(double seconds) {
  const long s = std::lround(seconds), minutes = s / 60;
  return minutes < 60 ? fmt::format("{:02}:{:02}", minutes, s % 60)
                      : fmt::format("{}:{:02}:{:02}", minutes / 60, minutes % 60, s % 60);
}

std::string progress_line(const std::string& description, long first, long done, long total, double seconds,
                          const std::string& postfix, const std::string& unit) {
  const double share = total > 0 ? double(done) / double(total) : 1;
  const double rate = seconds > 0 ? double(done - first) / seconds : 0;
  const std::string speed = rate <= 0  ? "?" + unit + "/s"
                            : rate < 1 ? fmt::format("{:5.2f}s/{}", 1 / rate, unit)
                                       : fmt::format("{:5.2f}{}/s", rate, unit);
  const std::string behind = postfix.empty() ? "" : ", " + postfix;
  if (total < 0) return fmt::format("{}: {}{} [{}, {}{}]", description, done, unit, clock_text(seconds), speed, behind);
  const std::string left = rate > 0 ? clock_text(double(total - done) / rate) : "?";
  return fmt::format("{}: {:3.0f}%|{}| {}/{} [{}<{}, {}{}]", description, 100 * share, bar(share, 10), done, total,
                     clock_text(seconds), left, speed, behind);
}

Progress::Progress(std::string description, long total, long done, std::string unit)
    : description_(std::move(description)),
      unit_(std::move(unit)),
      total_(total),
      first_(done),
      done_(done),
      terminal_(isatty(STDERR_FILENO)),
      start_(Clock::now()),
      last_(start_) {}

Progress::~Progress() { interrupt(); }

void Progress::update(long done, const std::string& postfix) {
  done_ = done;
  postfix_ = postfix;
  const double since = std::chrono::duration<double>(Clock::now() - last_).count();
  if (since >= (terminal_ ? 0.1 : 10.0)) draw();
}

void Progress::begin_at(long done) {
  first_ = done_ = done;
  start_ = Clock::now();
}

void Progress::draw() {
  last_ = Clock::now();
  if (Quiet::now()) return;
  const double seconds = std::chrono::duration<double>(last_ - start_).count();
  const std::string line = progress_line(description_, first_, done_, total_, seconds, postfix_, unit_);
  if (terminal_)
    std::fputs(fmt::format("\r{}\033[K", line).c_str(), stderr);
  else
    std::fputs(fmt::format("{}\n", line).c_str(), stderr);
  open_ = true;
}

void Progress::interrupt() {
  if (terminal_ && open_) {
    draw();
    std::fputs("\n", stderr);
  }
  open_ = false;
}

}  // namespace run
