// Clock: times of events as they are written, and lengths of time. Nothing here asks what time it is now.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace monitor {

// Seconds since 1970-01-01T00:00:00Z: "2020-02-24", "2020-02-24 14:05", "2020-02-24T14:05:09.5+02:00", "...Z"; without
// a zone UTC. Or a number: seconds, of more than 10^11 milliseconds. Fractions of a second are cut off. Nothing: no
// time, a date without its marks (20240131), or one before 1970 or after 2200.
std::optional<long> parse_time(std::string_view text);
std::string show_time(long seconds);  // 2020-02-24T14:05:09Z

// "90s", "15m", "1h", "7d", "2w" as seconds; nothing: none of these.
std::optional<long> parse_span(std::string_view text);
std::string show_span(long seconds);  // the largest unit that fits: "36h"

}  // namespace monitor
