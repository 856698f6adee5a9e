// The parts of the program monitor by themselves: times, repeats, the life of an alert, trend, NAB's rule.
#include <map>

#include "tasks/monitor/alerts.h"
#include "tasks/monitor/clock.h"
#include "tasks/monitor/nab.h"
#include "tasks/monitor/recording.h"
#include "tasks/monitor/repeats.h"
#include "tasks/monitor/trend.h"
#include "tests/support/support.h"

using namespace test;
using namespace monitor;
using doctest::Approx;

TEST_CASE("clock: times in every form, and what is none") {
  CHECK(parse_time("2020-02-24") == 1582502400);
  CHECK(parse_time("2020-02-24T14:05:09Z") == 1582553109);
  CHECK(parse_time("2020-02-24 14:05:09.250+02:00") == 1582553109 - 7200);
  CHECK(parse_time("1582553109") == 1582553109);
  CHECK(parse_time("1582553109000") == 1582553109);  // milliseconds
  CHECK(show_time(1582553109) == "2020-02-24T14:05:09Z");
  for (const char* none : {"", "yesterday", "2020-02-30", "2020-13-01", "2020-02-24T25:00", "-5", "2020-02-24T14:05+99",
                           "20200224", "202002241405", "20200224140509"})
    CHECK_MESSAGE(!parse_time(none), none);
  CHECK(parse_time("20201324") == 20201324);  // no date: seconds
  CHECK(parse_span("36h") == 129600);
  CHECK(show_span(129600) == "36h");
  CHECK(!parse_span("h"));
}

namespace {

bool seen(Repeats& r, const std::string& text, long time) {
  const uint64_t hash = r.hash_of(text);
  if (r.told(hash, time)) return true;
  r.remember(hash, time);
  return false;
}

}  // namespace

TEST_CASE("Repeats: a story told again with other marks, links and capitals is one; another company's is not") {
  Repeats r;
  CHECK_FALSE(seen(r, "Harlow Foods cuts its dividend after a weak quarter in the north", 1000));
  CHECK(seen(r, "RT @desk: HARLOW FOODS cuts its dividend, after a weak quarter in the north! https://x.example/1",
             2000));
  CHECK_FALSE(seen(r, "Sandow Rail cuts its dividend after a weak quarter in the north", 2000));
  CHECK_FALSE(seen(r, "Harlow Foods cuts its dividend after a weak quarter in the north", 1000 + 86401));
  CHECK_FALSE(seen(r, "!!!", 3000));
  CHECK_FALSE(seen(r, "!!!", 3000));  // nothing to compare
}

TEST_CASE("Repeats: memory is bounded, and a state comes back") {
  Repeats r({.within = 1000000, .near = 5, .most = 50}), again({.within = 1000000, .near = 5, .most = 50});
  for (int i = 0; i < 500; ++i) seen(r, fmt::format("word{} and {} or thing{}", i * 7919, i * i, i * 31), i);
  CHECK(r.size() == 50);
  again.restore(r.state());
  CHECK(seen(again, fmt::format("word{} and {} or thing{}", 499 * 7919, 499 * 499, 499 * 31), 500));
  CHECK_FALSE(seen(again, fmt::format("word{} and {} or thing{}", 3 * 7919, 9, 93), 500));  // forgotten
}

TEST_CASE("Alert: pending, firing, resolved; one firing and one resolution an incident, whatever flickers") {
  Alert a;
  const Cycle cycle{2, 3, 2};
  CHECK(a.step(cycle, 1, true, false) == "pending");
  CHECK(a.step(cycle, 2, false, false) == "");
  CHECK(a.step(cycle, 3, true, false) == "firing");
  std::map<std::string, int> said;
  for (long bin = 4; bin < 19; ++bin) ++said[a.step(cycle, bin, bin % 2 == 0, bin % 2 == 1)];  // flickers
  CHECK(said.size() == 1);                                                                     // nothing
  CHECK(a.step(cycle, 20, false, true) == "");
  CHECK(a.step(cycle, 21, false, true) == "resolved");
  CHECK(a.first == 1);
}

TEST_CASE("Alert: a gap never resolves; data again says how it stands") {
  Alert a;
  const Cycle cycle{1, 1, 1};
  REQUIRE(a.step(cycle, 1, true, false) == "firing");
  CHECK(a.gap() == "no data");
  CHECK(a.gap() == "");
  CHECK(a.is_firing());
  CHECK(a.step(cycle, 5, false, false) == "data again");
  Alert b;
  b.restore(a.saved());
  CHECK(b.step(cycle, 6, false, true) == "resolved");
}

TEST_CASE("fingerprint: by the labels, in any order") {
  CHECK(fingerprint_of({{"b", "2"}, {"a", "1"}}) == fingerprint_of({{"a", "1"}, {"b", "2"}}));
  CHECK(fingerprint_of({{"a", "1"}}) != fingerprint_of({{"a", "2"}}));
}

TEST_CASE("trend: a share that doubles in ten bins rises by 7 % a bin, and one that stands still has 0 inside") {
  std::vector<double> held, texts(21, 10000), flat;
  for (int i = 0; i <= 20; ++i) held.push_back(1000 * std::pow(2, i / 10.)), flat.push_back(2000 + (i % 2 ? 30 : -30));
  const auto rising = trend_of(held, texts), still = trend_of(flat, texts);
  REQUIRE(rising);
  CHECK(rising->slope == Approx(7.18).epsilon(0.01));
  CHECK(rising->low > 0);
  REQUIRE(still);
  CHECK(still->low < 0);
  CHECK(still->high > 0);
  CHECK(!trend_of({1, 2}, {5, 5}));
}

TEST_CASE("NAB: a perfect detector has 100, a silent one 0, an alarm far from any window costs 0.11") {
  Marked m{"x", {}, {}, {{5000, 5099}, {8000, 8099}}};
  for (long i = 0; i < 10000; ++i) m.times.push_back(300 * i), m.counts.push_back(1);
  CHECK(nab_score(m, {}).normalised() == Approx(0));
  CHECK(nab_score(m, {5000, 5050, 8000}).normalised() == Approx(100));
  const NabScore one = nab_score(m, {100, 2000});  // the first is in the part that does not count
  CHECK(one.false_alarms == 1);
  CHECK(one.score == Approx(-2 - 0.11));
  CHECK(nab_score(m, {5099}).score == Approx(-1 + (2 / (1 + std::exp(-5 * 0.01)) - 1) / 0.98661).epsilon(1e-4));
}

TEST_CASE(
    "recording: in the order of arrival, texts at most an hour behind, the same for the same seed, quieter at "
    "weekends") {
  const std::string a = recording({.seed = 3, .days = 14}), b = recording({.seed = 3, .days = 14});
  CHECK(a == b);
  CHECK(a != recording({.seed = 4, .days = 14}));
  long last = 0, week = 0, weekend = 0;
  std::istringstream in(a);
  for (std::string line; std::getline(in, line);) {
    const long time = *parse_time(line.substr(9, 20));
    CHECK(time > last - 3600);
    last = std::max(last, time);
    ((time / 86400 + 3) % 7 >= 5 ? weekend : week)++;
  }
  CHECK(double(weekend) / 2 < 0.75 * double(week) / 5);
}
