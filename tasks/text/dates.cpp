// Dates to seconds in the proleptic Gregorian calendar, by <chrono>. Read tasks/text/dates.h first.
#include "tasks/text/dates.h"

#include <chrono>

namespace text {

namespace {

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

}  // namespace

std::optional<double> seconds_of_date(std::string_view text) {
  const int year = digits(text, 4);
  const bool dash = take(text, "-");
  const int month = digits(text, 2);
  if (take(text, "-") != dash) return {};
  const int day = digits(text, 2);
  if (year < 0 || month < 0 || day < 0 || !dash) return {};
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(unsigned(month)),
                                         std::chrono::day(unsigned(day))};
  if (!date.ok()) return {};
  const double midnight = double(std::chrono::sys_days(date).time_since_epoch().count()) * 86400;
  if (text.empty()) return midnight;
  if (!take(text, "T t")) return {};
  const int hour = digits(text, 2);
  if (hour < 0 || hour > 23 || !take(text, ":")) return {};
  const int minute = digits(text, 2);
  int second = 0;
  if (take(text, ":")) second = digits(text, 2);
  if (minute < 0 || minute > 59 || second < 0 || second > 60) return {};
  double fraction = 0, place = 1;
  if (take(text, ".,"))
    for (int digit; (digit = digits(text, 1)) >= 0;) fraction += digit * (place /= 10);
  const std::optional<long> east = zone(text);
  if (!east) return {};
  return midnight + double(hour * 3600L + minute * 60L + second - *east) + fraction;
}

}  // namespace text
