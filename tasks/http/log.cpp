// Lines of JSON with the time of day. Nothing to read before.
#include "tasks/http/log.h"

#include <fmt/chrono.h>

#include <chrono>

#include "nn/format/files.h"

namespace http {

using nn::ordered_json;

Log::Log(const std::string& path) {
  if (path.empty()) return;
  file_.reset(path == "-" ? stderr : std::fopen(path.c_str(), "a"));
  nn::check_io(file_ != nullptr, path, "written");
}

void Log::write(const ordered_json& line) {
  if (!file_) return;
  const auto now = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const auto seconds = std::chrono::time_point_cast<std::chrono::seconds>(now);
  ordered_json all{{"time", fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(seconds), (now - seconds).count())}};
  all.update(line);
  const std::string text = all.line() + "\n";
  const std::lock_guard lock(mutex_);
  std::fwrite(text.data(), 1, text.size(), file_.get());
  std::fflush(file_.get());
}

}  // namespace http
