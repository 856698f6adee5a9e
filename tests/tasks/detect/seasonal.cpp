// Counts with a season, a dispersion that is learned, shares, and the bound of a chart.
#include "tasks/detect/seasonal.h"

#include "tasks/detect/shares.h"
#include "tests/support/support.h"

using namespace test;
using namespace detect;
using doctest::Approx;

namespace {

long drawn(long t) { return 8 + (t * 7 + t * t % 13) % 5; }  // 8 ... 12
long by_hour(long t) { return t % 24 < 12 ? 20 + drawn(t) : drawn(t) / 4; }

Seasonal learned(long bins, long (*counts)(long)) {
  Seasonal s;
  for (long t = 0; t < bins; ++t) s.take(int(t % 168), counts(t), true);
  return s;
}

}  // namespace

TEST_CASE("Dispersion: log P agrees with the tails, and counts that scatter widen the variance") {
  CHECK(log_probability(9, 3, 6) == Approx(std::log(score::negative_binomial_tails(9, 3, 3).at)));
  CHECK(log_probability(4, 3, 3) == Approx(std::log(score::poisson_tails(4, 3).at)));
  Dispersion narrow, wide;
  for (int i = 0; i < 400; ++i) {
    narrow.learn(10 + i % 3 - 1, 10);
    wide.learn(i % 2 ? 1 : 19, 10);
  }
  CHECK(narrow.variance(10) == Approx(10).epsilon(0.05));  // no guess is narrower than Poisson
  CHECK(wide.variance(10) > 60);
  CHECK(wide.tails(30, 10).upper > 1000 * narrow.tails(30, 10).upper);
}

TEST_CASE("Seasonal: the forecast has the hours of the day, and a count at its usual hour is no surprise at another") {
  const Seasonal s = learned(6 * 168, by_hour);
  CHECK(s.forecast(6) == Approx(30).epsilon(0.1));
  CHECK(s.forecast(18) == Approx(2).epsilon(0.3));
  CHECK(s.judge(6, 30, 0.5).p > 0.05);
  CHECK(s.judge(18, 30, 0.5).p < 1e-6);
  const Judged j = s.judge(6, 30, 0.5);
  CHECK(j.low < 30);
  CHECK(j.high > 30);
}

TEST_CASE("Seasonal: four bins that are each only a little high are found together") {
  Seasonal s = learned(6 * 168, drawn);
  CHECK(s.judge(0, 19, 0.5).window == 1);
  double alone = s.judge(0, 17, 0.5).p, last = 1;
  for (int slot = 0; slot < 4; ++slot) {
    last = s.judge(slot, 17, 0.5).p;
    s.take(slot, 17, false);
  }
  CHECK(last < alone / 20);
}

TEST_CASE("Seasonal: what is frozen stays out of the baseline, with the gap before it") {
  Seasonal frozen = learned(4 * 168, drawn), open = frozen;
  const double before = frozen.forecast(0);
  for (int t = 0; t < 100; ++t) frozen.take(t, 100, false), open.take(t, 100, true);
  CHECK(frozen.forecast(0) == before);
  CHECK(open.forecast(0) > 1.5 * before);
}

TEST_CASE("Seasonal and Shares: a state that comes back goes on to the bit; one of other options is refused") {
  Seasonal a = learned(500, by_hour), b;
  b.restore(a.state());
  Shares c, d;
  for (int t = 0; t < 200; ++t) c.take(t % 4, 10 + t % 3, 0.3, t % 50 != 0);
  d.restore(c.state());
  for (int t = 0; t < 50; ++t) {
    CHECK(a.judge(t, 7 + t, 0.3).p == b.judge(t, 7 + t, 0.3).p);
    a.take(t, t, true), b.take(t, t, true);
    CHECK(c.judge(t % 9, 9, 0.3, 0.2).z == d.judge(t % 9, 9, 0.3, 0.2).z);
    c.take(3, 9, 0.3, true), d.take(3, 9, 0.3, true);
  }
  CHECK(a.state() == b.state());
  CHECK(c.state() == d.state());
  SeasonalOptions days;
  days.slots = 7;
  days.day_slots = 1;
  Seasonal other(days);
  CHECK_FALSE(error_of([&] { other.restore(a.state()); }).empty());
}

TEST_CASE("Shares: three times the texts with the usual mood are no surprise, the usual number with a worse one are") {
  Shares s;
  for (int t = 0; t < 500; ++t) s.take(3 + t % 3, 12, 0.3, true);
  CHECK(s.judge(12, 36, 0.3, 0.5).p > 0.05);
  CHECK(s.judge(11, 12, 0.3, 0.5).p < 1e-3);
  CHECK(s.judge(0, 0, 0.3, 0.5).p >= 0.05);
}

TEST_CASE("cusum_bound: the runs of the chart with k 0.5 that Page's tables have") {
  CHECK(cusum_bound(0.5, 336) == Approx(4).epsilon(0.01));
  CHECK(cusum_bound(0.5, 930) == Approx(5).epsilon(0.01));
  CHECK(error_of([] { cusum_bound(0, 100); }).starts_with("cusum_bound"));
}
