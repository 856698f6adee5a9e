#include "tasks/objective/several.h"

#include <fmt/ranges.h>

namespace objective {

DevFigures measure_dev(const model::TextModel& model, const spec::TaskSet& set) {
  DevFigures all;
  const std::vector<model::Evaluation> dev = model::evaluate(model, set, spec::kDev, "", &all.outputs);
  double sum = 0;
  for (size_t t = 0; t < dev.size(); ++t) {
    if (dev[t].empty()) continue;
    const spec::TaskSpec& task = set.tasks[t].spec;
    sum += dev[t].merit(task.metric);
    all.figures[task.name] = dev[t].figures;
    all.line += fmt::format("  {} {} {:.4f}", task.name, task.metric, dev[t].value(task.metric));
  }
  if (!all.figures.empty()) all.merit = sum / double(all.figures.size());
  return all;
}

std::vector<std::string> without_test(const spec::TaskSet& set) {
  std::vector<std::string> names;
  for (const spec::Task& task : set.tasks)
    if (!set.corpora[size_t(task.corpus)].separate_test) names.push_back(task.spec.name);
  return names;
}

run::Card card_of(const std::string& program, const spec::TaskSet& set, const std::vector<model::Evaluation>& test) {
  run::Card card{.program = program, .pipeline = "text-classification", .about = "One encoder with several heads:"};
  for (size_t t = 0; t < set.tasks.size(); ++t) {
    const spec::TaskSpec& task = set.tasks[t].spec;
    card.about += fmt::format("{} {} ({})", t ? "," : "", task.name, spec::head_name(task.head));
    if (test[t].empty()) continue;
    for (const auto& [name, value] : test[t].figures.items()) card.figures[task.name + "." + name] = value;
  }
  card.about += ".";
  const std::vector<std::string> names = without_test(set);
  if (names.size() == set.tasks.size())
    card.measured_on = "dev";
  else if (!names.empty())
    card.measured_on = fmt::format("test (of {}: dev)", fmt::join(names, ", "));
  return card;
}

std::string where_of(const spec::TaskSet& set, long text) {
  size_t c = 0;
  while (text >= long(set.corpora[c].examples[spec::kTrain].size()))
    text -= long(set.corpora[c++].examples[spec::kTrain].size());
  return set.corpora[c].examples[spec::kTrain][size_t(text)].where;
}

engine::Indices end_to_end(const spec::TaskSet& set, int corpus, engine::Indices rows) {
  for (int c = 0; c < corpus; ++c)
    for (int& row : rows) row += int(set.corpora[size_t(c)].examples[spec::kTrain].size());
  return rows;
}

}  // namespace objective
