// The last words of a run. Read tasks/model/evaluate.h first: where the figures come from.
#include "tasks/multitask/report.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "nn/format/files.h"
#include "tasks/model/of_tasks.h"
#include "tasks/objective/several.h"

namespace multitask {

using nn::ordered_json;

std::optional<double> delta_of(const spec::TaskSpec& task, const Evaluation& joint, const Evaluation& single) {
  const double delta = (joint.merit(task.metric) - single.merit(task.metric)) / std::abs(single.value(task.metric));
  return std::isfinite(delta) ? std::optional(delta) : std::nullopt;
}

std::string table_of(const std::vector<spec::TaskSpec>& tasks, const std::vector<Evaluation>& dev,
                     const std::vector<Evaluation>& test, const std::vector<Evaluation>& single) {
  size_t width = 4;
  for (const spec::TaskSpec& task : tasks) width = std::max(width, task.name.size());
  std::string table =
      fmt::format("{:<{}}  {:<10}  {:<9}  {:>8}  {:>8}", "task", width, "head", "metric", "dev", "test");
  table += single.empty() ? "\n" : fmt::format("  {:>8}  {:>8}\n", "alone", "change");
  const auto cell = [](const spec::TaskSpec& task, const Evaluation& e) {
    return e.empty() ? fmt::format("{:>8}", "-") : fmt::format("{:>8.4f}", e.value(task.metric));
  };
  for (size_t t = 0; t < tasks.size(); ++t) {
    table += fmt::format("{:<{}}  {:<10}  {:<9}  {}  {}", tasks[t].name, width, spec::head_name(tasks[t].head),
                         tasks[t].metric, cell(tasks[t], dev[t]), cell(tasks[t], test[t]));
    if (!single.empty()) {
      const std::optional<double> delta = delta_of(tasks[t], test[t], single[t]);
      table +=
          fmt::format("  {}  {:>8}", cell(tasks[t], single[t]), delta ? fmt::format("{:+.2f} %", 100 * *delta) : "-");
    }
    table += "\n";
  }
  return table;
}

std::string figures_line(const std::vector<spec::TaskSpec>& tasks, const std::vector<Evaluation>& test) {
  std::string line;
  for (size_t t = 0; t < tasks.size(); ++t)
    if (!test[t].empty())
      line += fmt::format(" {}.{}={:.4f}", tasks[t].name, tasks[t].metric, test[t].value(tasks[t].metric));
  return line;
}

std::string dev_again(const std::vector<std::string>& without_test) {
  if (without_test.empty()) return "";
  return fmt::format("test of {}: dev again, since there is no test: it chose the epoch, and flatters\n",
                     fmt::join(without_test, ", "));
}

void report(const spec::TaskSet& set, const Outcome& joint, const std::vector<Evaluation>& single,
            const std::string& weighting, const std::string& out) {
  const std::vector<spec::TaskSpec> tasks = model::specs_of(set);
  const std::vector<std::string> without_test = objective::without_test(set);
  ordered_json result;
  std::vector<double> deltas;
  for (size_t t = 0; t < tasks.size(); ++t) {
    ordered_json& of_task = result["tasks"][tasks[t].name] = {
        {"metric", tasks[t].metric}, {"dev", joint.dev[t].figures}, {"test", joint.test[t].figures}};
    if (std::ranges::count(without_test, tasks[t].name)) of_task["test_is_dev"] = true;
    if (single.empty()) continue;
    of_task["single"] = single[t].figures;
    const std::optional<double> delta = delta_of(tasks[t], joint.test[t], single[t]);
    if (!delta) continue;
    of_task["delta"] = *delta;
    deltas.push_back(*delta);
  }
  result["weighting"] = weighting;
  const double delta = std::accumulate(deltas.begin(), deltas.end(), 0.0) / double(deltas.size());
  if (!deltas.empty()) result["delta_m"] = delta;
  result.update(joint.way);
  nn::write_file(out + "/result.json", result.dump(2) + "\n");
  fmt::print("\n{}{}", table_of(tasks, joint.dev, joint.test, single), dev_again(without_test));
  if (!single.empty())
    fmt::print("delta_m {}{}\n", deltas.empty() ? "-" : fmt::format("{:+.2f} %", 100 * delta),
               deltas.size() < tasks.size() ? fmt::format(", of the {} tasks that have a change", deltas.size()) : "");
  if (joint.way.contains("cka"))
    for (const auto& [pair, value] : joint.way["cka"].items())
      fmt::print("linear CKA of {}: {:.3f}\n", pair, value.get<double>());
  fmt::print("\nresult task=multitask{}{} seconds={:.0f} out={}\n", figures_line(tasks, joint.test),
             deltas.empty() ? "" : fmt::format(" delta_m={:.4f}", delta), joint.way.at("seconds").get<double>(), out);
}

}  // namespace multitask
