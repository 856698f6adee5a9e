// Dates as they are written: ISO 8601.
#pragma once

#include <optional>
#include <string_view>

namespace text {

// Seconds since 1970-01-01T00:00:00Z: "2020-02-24", "2020-02-24 14:05", "2020-02-24T14:05:09.5+02:00", "...Z"; without
// a zone UTC. Nothing: no date, or a day, an hour, a zone that there is not.
std::optional<double> seconds_of_date(std::string_view text);

}  // namespace text
