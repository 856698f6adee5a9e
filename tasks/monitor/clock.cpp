// Days to dates and back in the proleptic Gregorian calendar, by <chrono>. Read clock.h before.
#include "tasks/monitor/clock.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>

#include "engine/strings.h"

namespace monitor {

namespace {

constexpr long kLast = 7258118400;  // 2200-01-01

// `count` digits at the beginning of `text`, which they leave; -1: there are none.
int digits(std::string_view& text, size_t count) {
  if (text.size() < count) return -1;
  int n = 0;
  for (size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    n = 10 * n + (text[i] - '0');
  }
  text.remove_prefix(count);
  return n;
}

bool take(std::string_view& text, std::string_view one_of) {
  if (text.empty() || one_of.find(text[0]) == one_of.npos) return false;
  text.remove_prefix(1);
  return true;
}

// "Z", "+02:00", "-0530", or nothing, as seconds east of Greenwich.
std::optional<long> zone(std::string_view text) {
  if (text.empty() || text == "Z" || text == "z" || text == " UTC") return 0;
  const long sign = text[0] == '-' ? -1 : 1;
  if (!take(text, "+-")) return {};
  const int hours = digits(text, 2);
  take(text, ":");
  const int minutes = text.empty() ? 0 : digits(text, 2);
  if (hours < 0 || hours > 14 || minutes < 0 || minutes > 59 || !text.empty()) return {};
  return sign * (hours * 3600L + minutes * 60L);
}

std::optional<long> parse_date(std::string_view text) {
  const int year = digits(text, 4);
  const bool dash = take(text, "-");
  const int month = digits(text, 2);
  if (take(text, "-") != dash) return {};
  const int day = digits(text, 2);
  if (year < 0 || month < 0 || day < 0 || !dash) return {};
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(unsigned(month)),
                                         std::chrono::day(unsigned(day))};
  if (!date.ok()) return {};
  long seconds = std::chrono::sys_days(date).time_since_epoch().count() * 86400L;
  if (text.empty()) return seconds;
  if (!take(text, "T t")) return {};
  const int hour = digits(text, 2);
  if (hour < 0 || hour > 23 || !take(text, ":")) return {};
  const int minute = digits(text, 2);
  int second = 0;
  if (take(text, ":")) second = digits(text, 2);
  if (minute < 0 || minute > 59 || second < 0 || second > 60) return {};
  if (take(text, ".,"))
    while (take(text, "0123456789")) {}
  const std::optional<long> east = zone(text);
  if (!east) return {};
  return seconds + hour * 3600L + minute * 60L + second - *east;
}

}  // namespace

std::optional<long> parse_time(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  std::optional<long> seconds = parse_date(text);
  if (const auto number = seconds ? std::nullopt : engine::parse_number<double>(text);
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
