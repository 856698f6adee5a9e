// Numbers that are added up, and written as Prometheus reads them. Nothing to read before.
#include "tasks/http/metrics.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <numeric>

namespace http {
namespace {

std::string escaped(const std::string& value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string shown(const MetricLabels& labels, const std::string& le = "") {
  std::string out;
  for (const auto& [name, value] : labels)
    out += fmt::format("{}{}=\"{}\"", out.empty() ? "" : ",", name, escaped(value));
  if (!le.empty()) out += fmt::format("{}le=\"{}\"", out.empty() ? "" : ",", le);
  return out.empty() ? "" : "{" + out + "}";
}

}  // namespace

void Metrics::counter(const std::string& name, const std::string& help) {
  families_[name] = {help, "counter", {}, {}, {}};
}
void Metrics::gauge(const std::string& name, const std::string& help, std::function<double()> value) {
  families_[name] = {help, "gauge", {}, std::move(value), {}};
}
void Metrics::histogram(const std::string& name, const std::string& help, std::vector<double> bounds) {
  families_[name] = {help, "histogram", std::move(bounds), {}, {}};
}

void Metrics::add(const std::string& name, const MetricLabels& labels, double by) {
  const std::lock_guard lock(mutex_);
  families_.at(name).series[labels].sum += by;
}

void Metrics::observe(const std::string& name, double value, const MetricLabels& labels) {
  const std::lock_guard lock(mutex_);
  Family& family = families_.at(name);
  Series& series = family.series[labels];
  series.buckets.resize(family.bounds.size() + 1);
  series.buckets[size_t(std::lower_bound(family.bounds.begin(), family.bounds.end(), value) - family.bounds.begin())] +=
      1;
  series.sum += value;
}

std::string Metrics::text() const {
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& [name, family] : families_) {
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, family.help, name, family.type);
    if (family.value) out += fmt::format("{} {}\n", name, family.value());
    for (const auto& [labels, series] : family.series) {
      if (family.type != "histogram") {
        out += fmt::format("{}{} {}\n", name, shown(labels), series.sum);
        continue;
      }
      double count = 0;
      for (size_t i = 0; i < series.buckets.size(); ++i) {
        count += series.buckets[i];
        const std::string bound = i < family.bounds.size() ? fmt::format("{}", family.bounds[i]) : "+Inf";
        out += fmt::format("{}_bucket{} {}\n", name, shown(labels, bound), count);
      }
      out += fmt::format("{0}_sum{1} {2}\n{0}_count{1} {3}\n", name, shown(labels), series.sum, count);
    }
  }
  return out;
}

double Metrics::resident_bytes() {
  long all = 0, pages = 0;
  std::ifstream("/proc/self/statm") >> all >> pages;  // no /proc: 0
  return double(pages) * double(sysconf(_SC_PAGESIZE));
}

}  // namespace http
