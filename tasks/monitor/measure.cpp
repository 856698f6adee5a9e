// What the alarms are worth: false ones and surges found by simulation; marked series by NAB's rule. Read
// tasks/detect/seasonal.h and nab.h before.
#include <algorithm>
#include <cmath>
#include <deque>

#include "engine/random.h"
#include "tasks/detect/baseline.h"
#include "tasks/detect/seasonal.h"
#include "tasks/monitor/clock.h"
#include "tasks/monitor/commands.h"
#include "tasks/monitor/nab.h"
#include "tasks/score/proportions.h"

namespace monitor {

namespace {

constexpr long kWeek = 168, kLearn = 8 * kWeek;  // hours; those that are only learned from
constexpr double kLevel = 0.001;

// Counts of a topic: negative binomial of mean m f(hour) and variance `over` times that.
class Drawn {
 public:
  Drawn(double mean, double over, bool weekly, uint64_t seed)
      : mean_(mean), over_(over), weekly_(weekly), random_{seed, engine::Stream::sample} {}
  long at(long hour, double times = 1) {
    const double f =
        weekly_ ? (1 + 0.6 * std::sin(2 * M_PI * double(hour % 24) / 24)) * (hour % kWeek >= 120 ? 0.6 : 1.16) : 1;
    const double m = mean_ * f * times, u = uniform();
    double p = 0, sum = 0;
    for (long x = 0;; ++x) {
      if (over_ > 1)
        p = x == 0 ? std::pow(1 / over_, m / (over_ - 1))
                   : p * (1 - 1 / over_) * (m / (over_ - 1) + double(x - 1)) / double(x);
      else
        p = x == 0 ? std::exp(-m) : p * m / double(x);
      sum += p;
      if (u < sum || x > 100000 || (p < 1e-18 && double(x) > m)) return x;
    }
  }
  double uniform() {
    uint32_t word = 0;
    random_.words(drawn_++, 1, &word);
    return (double(word) + 0.5) / 4294967296.0;
  }

 private:
  double mean_, over_;
  bool weekly_;
  engine::Random random_;
  uint64_t drawn_ = 0;
};

struct Rates {
  long bins = 0, ours = 0, c1 = 0, poisson = 0, surges = 0, found = 0;
};

// Whether a surge of four bins, three times the mean, is found while it lasts.
bool finds(detect::Seasonal detector, Drawn& drawn, long hour) {
  for (long i = 0; i < 4; ++i) {
    const int slot = int((hour + i) % kWeek);
    const long y = drawn.at(hour + i, 3);
    if (detector.judge(slot, y, 0.5).p < kLevel) return true;
    detector.take(slot, y, true);
  }
  return false;
}

Rates rates_of(double mean, double over, bool weekly, long weeks, uint64_t seed) {
  Rates r;
  Drawn drawn(mean, over, weekly, seed), surges(mean, over, weekly, seed + 1);
  detect::Seasonal detector;
  std::deque<double> last;  // 58 bins, for those beside it
  for (long t = 0; t < kLearn + weeks * kWeek; ++t) {
    const int slot = int(t % kWeek);
    const long y = drawn.at(t);
    if (t >= kLearn) {
      ++r.bins;
      r.ours += detector.judge(slot, y, 0.5).p < kLevel;
      const detect::Ordinary week = detect::ordinary_of({last.end() - 7, last.end()});
      r.c1 += double(y) > week.mean + 3.0902 * week.deviation;
      const detect::Ordinary long_one = detect::ordinary_of({last.begin(), last.begin() + 56});
      r.poisson += score::poisson_tails(y, std::max(0.5 / 56, long_one.mean)).upper < kLevel;
      if (t % 61 == 0) ++r.surges, r.found += finds(detector, surges, t);
    }
    detector.take(slot, y, true);
    last.push_back(double(y));
    if (last.size() > 58) last.pop_front();
  }
  return r;
}

void false_alarms(long weeks, uint64_t seed) {
  fmt::print(
      "| mean | variance / mean | week | alarms in 1,000 bins | 95 % | EARS C1 | Poisson, 56 bins | tripling found "
      "|\n");
  fmt::print("| --- | --- | --- | --- | --- | --- | --- | --- |\n");
  long inside = 0, cells = 0;
  for (const bool weekly : {true, false})
    for (const double mean : {0.3, 1., 3., 10., 50.})
      for (const double over : {1., 2., 3., 5.}) {
        const Rates r = rates_of(mean, over, weekly, weeks, seed + 1000 * uint64_t(cells));  // draws of its own
        const score::Bounds b = score::wilson(r.ours, r.bins);
        const double rate = 1000. * double(r.ours) / double(r.bins);
        const bool good = rate >= 0.5 && rate <= 1.5;
        ++cells, inside += good;
        const auto per_1000 = [&](long n) { return 1000. * double(n) / double(r.bins); };
        fmt::print("| {:g} | {:g} | {} | {}{:.2f}{} | {:.2f} to {:.2f} | {:.1f} | {:.1f} | {:.1f} |\n", mean, over,
                   weekly ? "yes" : "no", good ? "" : "**", rate, good ? "" : "**", 1000 * b.low, 1000 * b.high,
                   per_1000(r.c1), per_1000(r.poisson), 100. * double(r.found) / double(std::max(1L, r.surges)));
        std::fflush(stdout);
      }
  fmt::print("result task=false-alarms cells={} inside={} bins_each={}\n", cells, inside, weeks * kWeek);
}

// The surprise, -log10 p, of every row of a series of counts in equal steps.
std::vector<double> surprises(const Marked& m) {
  detect::SeasonalOptions o;
  const long step = m.times.size() > 1 ? std::max(1L, m.times[1] - m.times[0]) : 300;
  const double a_day = 86400. / double(step);
  o.bins_a_slot = a_day / 24;
  o.level_half_life = 4 * a_day;
  const int hour = std::max(1, int(3600 / step));
  o.windows = {hour, 3 * hour};
  o.gap = 3 * hour;
  detect::Seasonal detector(o);
  std::vector<double> surprise;
  for (size_t i = 0; i < m.times.size(); ++i) {
    const int slot = int((m.times[i] + 3 * 86400) % 604800 / 3600);
    const detect::Judged j = detector.judge(slot, m.counts[i], 0.5);
    surprise.push_back(-std::log10(std::max(1e-300, j.p)));
    detector.take(slot, m.counts[i], true);
  }
  return surprise;
}

// The simple detector beside it: how far log(1 + mean of the last three hours) is above its median of the four days
// before, in units of the median deviation from that, and 0.05.
std::vector<double> robust(const Marked& m) {
  const long step = m.times.size() > 1 ? std::max(1L, m.times[1] - m.times[0]) : 300;
  const size_t hour = size_t(std::max(1L, 3600 / step)), mean = 3 * hour, days = 4 * 24 * hour;
  std::vector<double> levels, z;
  double sum = 0, middle = 0, spread = 0;
  for (size_t i = 0; i < m.counts.size(); ++i) {
    sum += double(m.counts[i]) - (i >= mean ? double(m.counts[i - mean]) : 0);
    levels.push_back(std::log1p(sum / double(std::min(mean, i + 1))));
    if (i > 0 && (i % hour == 0 || i < 4 * hour)) {  // anew every hour
      std::vector<double> last(levels.begin() + long(i - std::min(i, days)), levels.begin() + long(i));
      middle = score::quantile(last, 0.5);
      for (double& x : last) x = std::abs(x - middle);
      spread = score::quantile(last, 0.5);
    }
    z.push_back(i == 0 ? 0 : (levels.back() - middle) / (spread + 0.05));
  }
  return z;
}

std::vector<long> alarms_above(const Marked& m, const std::vector<double>& surprise, double threshold) {
  std::vector<long> alarms;
  for (size_t i = 0; i < surprise.size(); ++i)
    if (surprise[i] >= threshold && (alarms.empty() || m.times[i] - m.times[size_t(alarms.back())] >= 86400))
      alarms.push_back(long(i));
  return alarms;
}

// The threshold is chosen on five series and tested on the other five, and the other way round.
void nab_of(const char* detector, const std::vector<Marked>& series, std::vector<double> (*judge)(const Marked&)) {
  std::vector<std::vector<double>> surprise;
  for (const Marked& one : series) surprise.push_back(judge(one));
  const auto score = [&](size_t parity, double threshold) {
    NabScore sum;
    for (size_t i = 0; i < series.size(); ++i)
      if (i % 2 == parity) sum.add(nab_score(series[i], alarms_above(series[i], surprise[i], threshold)));
    return sum;
  };
  NabScore tested;
  for (const size_t test : {size_t{0}, size_t{1}}) {
    double best = 1;
    double t = 1;
    while ((t *= 1.05) < 100)
      if (score(1 - test, t).normalised() > score(1 - test, best).normalised()) best = t;
    const NabScore s = score(test, best);
    fmt::print("{}: threshold {:.1f}, chosen on the others ({:.1f}): {:.1f}, {} of {} windows, {} false alarms\n",
               detector, best, score(1 - test, best).normalised(), s.normalised(), s.found, s.windows, s.false_alarms);
    tested.add(s);
  }
  fmt::print("result task=nab detector={} score={:.1f} found={} windows={} false_alarms={}\n", detector,
             tested.normalised(), tested.found, tested.windows, tested.false_alarms);
}

void nab(const std::vector<std::string>& files, const std::string& windows) {
  std::vector<Marked> series;
  for (const std::string& file : files) series.push_back(read_marked(file, windows));
  nab_of("robust", series, robust);
  nab_of("seasonal", series, surprises);
}

}  // namespace

void measure(::run::Options& options, const ::run::Parse& parse) {
  std::string what = "false-alarms", windows;
  std::vector<std::string> files;
  long weeks = 300;
  uint64_t seed = 1;
  options.add("--what", what, "false-alarms: simulated counts without and with surges; nab: marked series")
      .one_of({"false-alarms", "nab"});
  options.add("--weeks", weeks, "of hours that are simulated for each row")
      .only_with("--what", {"false-alarms"})
      .between(1, 1e6);
  options.add("--seed", seed, "of what is drawn").only_with("--what", {"false-alarms"});
  options.add("--series", files, "of nab: CSV files with timestamp,value").reads().only_with("--what", {"nab"});
  options.add("--windows", windows, "of nab: JSON with the windows of each file").reads().only_with("--what", {"nab"});
  parse();
  if (what == "false-alarms") return false_alarms(weeks, seed);
  engine::check(files.size() > 1 && !windows.empty(), "--what nab: --series names two files at least, --windows one");
  nab(files, windows);
}

}  // namespace monitor
