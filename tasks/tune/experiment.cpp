// A space as hyper-parameters. Read tasks/tune/experiment.h first, and tasks/events/summary.h: what is written.
#include "tasks/tune/experiment.h"

#include <algorithm>

#include "engine/strings.h"
#include "tasks/events/summary.h"
#include "tasks/events/writer.h"

namespace tune {

namespace {

using events::HParam;
using events::Setting;

// As a run has it that reads it from its command line: there "16" is a number.
Setting setting_of(const nn::ordered_json& choice) {
  if (choice.is_boolean()) return choice.get<bool>();
  const std::string text = choice.is_string() ? choice.get<std::string>() : choice.dump();
  if (const auto number = engine::parse_number<double>(text)) return *number;
  return text;
}

HParam parameter_of(const search::Parameter& p) {
  const search::Distribution& d = p.distribution;
  HParam to{.name = p.name};
  if (d.kind != search::Distribution::Kind::choice) {
    to.type = HParam::Type::number;
    to.interval = {d.low, d.high};
    return to;
  }
  for (const nn::ordered_json& choice : d.choices)
    if (!choice.is_null()) to.domain.push_back(setting_of(choice));  // null leaves the option out
  const auto all = [&](size_t kind) {
    return std::all_of(to.domain.begin(), to.domain.end(), [&](const Setting& s) { return s.index() == kind; });
  };
  to.type = all(0) ? HParam::Type::number : all(1) ? HParam::Type::truth : HParam::Type::text;
  return to;
}

std::vector<events::Metric> metrics_of(std::string metric) {
  using Of = events::Metric::Of;
  if (metric.starts_with("result.")) return {};
  const bool training = metric.find('.') == metric.npos || metric.starts_with("train.");
  if (metric.find('.') == metric.npos) metric = "train." + metric;
  std::replace(metric.begin(), metric.end(), '.', '/');
  return {{metric, "", "", training ? Of::training : Of::validation}};
}

}  // namespace

void write_experiment(const std::string& directory, const search::Space& space, const std::string& metric) {
  if (!events::event_files(directory).empty()) return;
  std::vector<HParam> parameters;
  for (const search::Parameter& p : space.parameters) parameters.push_back(parameter_of(p));
  events::Writer writer(directory);
  writer.add(0, {events::experiment(events::wall_time(), parameters, metrics_of(metric))});
  writer.flush();
}

}  // namespace tune
