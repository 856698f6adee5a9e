// Times of events, and lengths of time. Read clock.h and tasks/text/dates.h before.
#include "tasks/monitor/clock.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>

#include "engine/strings.h"
#include "tasks/text/dates.h"

namespace monitor {

namespace {

constexpr long kLast = 7258118400;  // 2200-01-01

// 20240131 and 202401311405 are dates without their marks; as seconds and milliseconds they would all lie in one hour.
bool is_bare_date(std::string_view digits) {
  if ((digits.size() != 8 && digits.size() != 12) || digits.find_first_not_of("0123456789") != digits.npos)
    return false;
  const auto part = [&](size_t at, size_t n) { return std::string(digits.substr(at, n)); };
  const std::string day = part(0, 4) + "-" + part(4, 2) + "-" + part(6, 2);
  const std::string time = digits.size() == 8 ? "" : " " + part(8, 2) + ":" + part(10, 2);
  return part(0, 4) >= "1900" && text::seconds_of_date(day + time).has_value();
}

}  // namespace

std::optional<long> parse_time(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  std::optional<long> seconds;
  if (const auto date = text::seconds_of_date(text)) seconds = long(std::floor(*date));
  if (const auto number = seconds || is_bare_date(text) ? std::nullopt : engine::parse_number<double>(text);
      number && *number >= 0 && *number < 1e15)
    seconds = long(std::floor(*number > 1e11 ? *number / 1000 : *number));
  if (!seconds || *seconds < 0 || *seconds > kLast) return {};
  return seconds;
}

std::string show_time(long seconds) {
  const std::chrono::sys_days day(std::chrono::days(seconds / 86400));
  const std::chrono::year_month_day date(day);
  const long rest = seconds % 86400;
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", int(date.year()), unsigned(date.month()),
                     unsigned(date.day()), rest / 3600, rest / 60 % 60, rest % 60);
}

std::optional<long> parse_span(std::string_view text) {
  if (text.size() < 2) return {};
  const std::string_view units = "smhdw";
  const long seconds[] = {1, 60, 3600, 86400, 604800};
  const size_t unit = units.find(text.back());
  const std::optional<long> n = engine::parse_number<long>(text.substr(0, text.size() - 1));
  if (unit == units.npos || !n || *n < 0 || *n > 1000000) return {};
  return *n * seconds[unit];
}

std::string show_span(long seconds) {
  if (seconds % 86400 == 0 && seconds > 0) return fmt::format("{}d", seconds / 86400);
  if (seconds % 3600 == 0 && seconds > 0) return fmt::format("{}h", seconds / 3600);
  if (seconds % 60 == 0 && seconds > 0) return fmt::format("{}m", seconds / 60);
  return fmt::format("{}s", seconds);
}

}  // namespace monitor
