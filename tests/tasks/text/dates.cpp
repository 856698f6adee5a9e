// Dates as other programs write them.
#include "tasks/text/dates.h"

#include "tests/support/support.h"

using text::seconds_of_date;

TEST_CASE("dates: a day, a time with and without a zone, a fraction, before 1970; what there is not is nothing") {
  CHECK(seconds_of_date("1970-01-01") == 0);
  CHECK(seconds_of_date("1969-12-31T23:59:59Z") == -1);
  CHECK(seconds_of_date("2000-02-29") == 951782400);  // by 400 a leap year
  CHECK(seconds_of_date("2020-02-24T14:05") == 1582553100);
  CHECK(seconds_of_date("2020-02-24 14:05:09+02:00") == 1582553109 - 7200);
  CHECK(seconds_of_date("2020-02-24t14:05:09-0530") == 1582553109 + 19800);
  CHECK(*seconds_of_date("2020-02-24T14:05:09,25Z") == doctest::Approx(1582553109.25).epsilon(1e-12));
  for (const char* none : {"", "2020", "2020-02-30", "1900-02-29", "2020-2-4", "2020-02-24T24:00", "2020-02-24T14",
                           "2020-02-24T14:60", "2020-02-24T14:05Zulu", "2020-02-24T14:05+15:00", "24.02.2020"})
    CHECK_MESSAGE(!seconds_of_date(none), none);
}
