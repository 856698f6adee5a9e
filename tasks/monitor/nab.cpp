// Reading and scoring. The rule stands in nab.h.
#include "tasks/monitor/nab.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "engine/strings.h"
#include "nn/format/json.h"
#include "tasks/monitor/clock.h"

namespace monitor {

using engine::check;

Marked read_marked(const std::string& path, const std::string& windows) {
  Marked m{std::filesystem::path(path).filename(), {}, {}};
  const std::string bytes = nn::read_file(path);
  long line = 0;
  for (const std::string& row : engine::split(bytes, '\n')) {
    if (++line == 1 || row.empty()) continue;
    const std::vector<std::string> cells = engine::split(row, ',');
    const auto time = parse_time(cells[0]);
    const std::string cell = cells.size() > 1 ? cells[1].substr(0, cells[1].find('\r')) : "";
    const double count = engine::parse_number<double>(cell).value_or(std::nan(""));
    check(time && std::abs(count) < 1e15, "{}:{}: a time and a count; got '{}'", path, line, engine::shown(row));
    m.times.push_back(*time);
    m.counts.push_back(std::lround(count));
  }
  const nn::json all = nn::read_json(windows);
  check(all.is_object(), "{}: an object is needed: the series' names and their windows", windows);
  for (const auto& [name, list] : all.items()) {
    if (std::filesystem::path(name).filename() != m.name) continue;
    for (const auto& one : list) {
      check(one.is_array() && one.size() == 2 && one[0].is_string() && one[1].is_string(),
            "{}: {}: a window is [begin, end]; got {}", windows, engine::shown(name), nn::shown_json(one));
      const auto row = [&, &series = name](const nn::json& at) {  // clang 14 captures no structured binding
        const auto time = parse_time(at.get<std::string>());
        check(time.has_value(), "{}: {}: begin and end of a window are times", windows, engine::shown(series));
        return long(std::lower_bound(m.times.begin(), m.times.end(), *time) - m.times.begin());
      };
      m.windows.emplace_back(row(one.at(0)), std::min(row(one.at(1)), long(m.times.size()) - 1));
    }
  }
  std::sort(m.windows.begin(), m.windows.end());
  return m;
}

namespace {
double sigmoid(double x) { return 2 / (1 + std::exp(5 * x)) - 1; }
}  // namespace

void NabScore::add(const NabScore& other) {
  score += other.score;
  windows += other.windows;
  found += other.found;
  false_alarms += other.false_alarms;
}

NabScore nab_score(const Marked& m, const std::vector<long>& alarms) {
  NabScore s;
  const long first = std::min(long(0.15 * double(m.times.size())), 750L);
  s.windows = long(m.windows.size());
  std::vector<double> best(m.windows.size(), -1);
  for (const long i : alarms) {
    if (i < first) continue;
    bool inside = false;
    double outside = -1;
    for (size_t w = 0; w < m.windows.size(); ++w) {
      const auto [b, e] = m.windows[w];
      const double width = double(e - b + 1);
      if (i >= b && i <= e) {
        best[w] = std::max(best[w], sigmoid(-double(e - i + 1) / width) / sigmoid(-1));
        inside = true;
      } else if (i > e) {
        const double pos = double(i - e) / std::max(1., width - 1);
        outside = pos > 3 ? -1 : sigmoid(pos);
      }
    }
    if (inside) continue;
    s.score += 0.11 * outside;
    ++s.false_alarms;
  }
  for (const double b : best) s.score += b, s.found += b > -1;
  return s;
}

}  // namespace monitor
