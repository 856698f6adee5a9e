// Figures of a trained model, on the very texts that its run kept aside. Read tasks/multitask/report.h first.
#include "tasks/multitask/evaluate.h"

#include <optional>
#include <tuple>

#include "nn/format/files.h"
#include "tasks/model/adapter.h"
#include "tasks/model/directory.h"
#include "tasks/model/doubts.h"
#include "tasks/model/groups.h"
#include "tasks/multitask/report.h"
#include "tasks/objective/several.h"
#include "tasks/run/directory.h"
#include "tasks/run/options.h"

namespace multitask {

using engine::check;
using nn::ordered_json;
using spec::TaskSet;

namespace {

// The figures of every task on the data that its task file names, shared out by seed as they were in training.
struct Figures {
  std::vector<Evaluation> dev, test;
  std::vector<std::string> without_test = {};  // tasks whose test is dev again
};

Figures evaluate_all(const model::TextModel& model, const model::Reading& reading, uint64_t seed) {
  TaskSet set = spec::load_tasks(model.tasks, seed);
  spec::encode(set, model.tokenizer, reading.max_length, reading.how());
  for (size_t t = 0; t < set.tasks.size(); ++t) {  // as they were when the model was trained
    set.tasks[t].spec.mean = model.tasks[t].mean;
    set.tasks[t].spec.deviation = model.tasks[t].deviation;
  }
  return {model::evaluate(model, set, spec::kDev), model::evaluate(model, set, spec::kTest),
          objective::without_test(set)};
}

// Those of one task on other files, and by the groups that columns of theirs make.
std::pair<Evaluation, model::GroupReport> evaluate_one(const model::TextModel& model, size_t task,
                                                       const model::Reading& reading,
                                                       const std::vector<std::string>& data,
                                                       const std::vector<std::string>& columns) {
  TaskSet set = spec::load_test(model.tasks[task], data);
  spec::encode(set, model.tokenizer, reading.max_length, reading.how());
  const spec::Targets& targets = set.tasks[0].targets[spec::kTest];
  std::vector<std::string> groups;
  if (!columns.empty())
    groups = model::groups_of(set.corpora[0].examples[spec::kTest], data, model.tasks[task].files.how.table_options(),
                              columns);
  const std::vector<model::Outputs> outputs = model::predict(model, set.corpora[0].texts[spec::kTest], {task});
  model::GroupReport by_group;
  if (!columns.empty()) by_group = model::group_report(set.tasks[0], targets, outputs[0], groups);
  return {model::evaluate(set.tasks[0], targets, outputs[0]), by_group};
}

// Error: `out` is one of the files that the tasks are read from.
void check_other(const std::string& out, const std::vector<spec::TaskSpec>& tasks) {
  for (const spec::TaskSpec& task : tasks)
    for (const std::string& file : task.files.paths())
      check(!run::same_file(out, file), "--out {}: a file of task '{}'; name another", out, task.name);
}

// What evaluate is told.
struct Request {
  std::string directory, base, task, out;
  std::vector<std::string> data, group;
  model::Reading reading;
  std::optional<uint64_t> seed;

  void declare(run::Options& options) {
    options
        .add("--model", directory, "directory of a run, of a model or of an adapter, or the name of a model that ships")
        .required();
    model::declare_base(options, base);
    options.add("--task", task, "one task, on the files of --data");
    options.add("--data", data, "files in the form that the task file says").reads();
    options
        .add("--group", group,
             "column of --data, or several: also every figure by group, shares with their intervals, and the largest "
             "differences between groups")
        .only_with("--data");
    options.add("--seed", seed, "files without a column `split` are split by it; default: that of the run")
        .excludes("--data");
    options.add("--out", out, "also write the figures as JSON to this file").writes();
    reading.declare(options);
  }

  // The run's, unless --seed says otherwise.
  uint64_t seed_for(const model::TextModel& model) const {
    const auto known = model.settings.find("seed");
    const bool recorded = known != model.settings.end() && known->is_number_unsigned();
    const uint64_t before = recorded ? known->get<uint64_t>() : run::TrainingOptions().seed;
    if (seed && recorded && *seed != before)
      run::print_note("note: texts are split by seed {}; the model was trained with {}\n", *seed, before);
    return seed.value_or(before);
  }
};

}  // namespace

void evaluate_command(run::Options& options, const run::Parse& parse) {
  Request given;
  given.declare(options);
  parse();
  run::print_setup("multitask", "evaluate");
  check(given.task.empty() == given.data.empty(), "--task and --data belong together");
  const model::ModelDirectory from(given.directory, given.base);
  check(from.named(), "{}: a model of one task without a name; `sentiment evaluate` measures it", from.path);
  const std::unique_ptr<model::TextModel> model = model::load_model(from);
  model->net.pack();
  const model::Reading reading = model::Reading::settle(options, given.reading, model->reading);
  model::check_positions(reading, model->net, from.path);
  const std::vector<Evaluation> none(model->tasks.size());
  Figures figures{none, none};
  model::GroupReport by_group;
  if (given.data.empty()) {
    check_other(given.out, model->tasks);
    figures = evaluate_all(*model, reading, given.seed_for(*model));
  } else {
    const size_t task = model->task(given.task);
    std::tie(figures.test[task], by_group) = evaluate_one(*model, task, reading, given.data, given.group);
  }
  const auto& [dev, test, without_test] = figures;
  fmt::print("\n{}{}\n", table_of(model->tasks, dev, test, {}), dev_again(without_test));
  ordered_json result;
  for (size_t t = 0; t < test.size(); ++t)
    if (!test[t].empty()) result[model->tasks[t].name] = {{"dev", dev[t].figures}, {"test", test[t].figures}};
  for (const std::string& name : without_test)
    if (result.contains(name)) result[name]["test_is_dev"] = true;
  if (!given.group.empty()) {
    fmt::print("{}\n", by_group.text());
    result[given.task].update(by_group.json());
    std::fflush(stdout);
    model::print(by_group.doubts());
  }
  if (!given.out.empty()) nn::write_file(given.out, result.dump(2) + "\n");
  fmt::print("result task=multitask{}\n", figures_line(model->tasks, test));
}

}  // namespace multitask
