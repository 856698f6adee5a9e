// Metrics: counters, gauges and histograms, in the text form that Prometheus reads.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace http {

// Labels of one series: {{"route", "/predict"}, {"status", "200"}}, always in the same order.
using MetricLabels = std::vector<std::pair<std::string, std::string>>;

class Metrics {
 public:
  // Each is declared before it is counted. A counter's name ends in _total; names carry their unit.
  void counter(const std::string& name, const std::string& help);
  void gauge(const std::string& name, const std::string& help, std::function<double()> value);
  void histogram(const std::string& name, const std::string& help, std::vector<double> bounds);  // ascending

  void add(const std::string& name, const MetricLabels& labels = {}, double by = 1);
  void observe(const std::string& name, double value, const MetricLabels& labels = {});  // of a histogram

  // Text exposition format 0.0.4: HELP and TYPE of every family, then its series in the order of their labels.
  std::string text() const;

  static double resident_bytes();  // of this process

 private:
  struct Series {
    double sum = 0;
    std::vector<double> buckets;  // how many are in each, the last: beyond all bounds
  };
  struct Family {
    std::string help, type;
    std::vector<double> bounds;
    std::function<double()> value;
    std::map<MetricLabels, Series> series;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Family> families_;
};

}  // namespace http
