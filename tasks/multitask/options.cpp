// The options of training several tasks; those of the task file go through the same checks. Read tasks/run/train_options.h
// and optim/weighting.h first.
#include "tasks/multitask/options.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "tasks/run/console.h"

namespace multitask {

using engine::check;
using engine::fail;

const char* const kExample = R"({
  // One encoder, two tasks, one set of texts: the corpus that this program carries inside.
  "model": "pool",
  "weighting": "equal",
  "tasks": {
    "sentiment": {"data": "embedded", "label_column": "label", "labels": "negative,positive,neutral"},
    "topic":     {"data": "embedded", "label_column": "topic", "metric": "accuracy"}
  }
}
)";

namespace {

CLI::Validator one_of(const std::vector<std::string>& names) {
  return CLI::Validator(
      [names](const std::string& name) -> std::string {
        if (std::find(names.begin(), names.end(), name) != names.end()) return "";
        return fmt::format("'{}' is not one of {}{}", text::shown(name), text::listed(names),
                           text::did_you_mean(name, names));
      },
      "NAME");
}

std::string option_of(std::string key) {
  std::replace(key.begin(), key.end(), '_', '-');
  return "--" + key;
}

std::string key_of(std::string option) {
  option.erase(0, option.find_first_not_of('-'));
  std::replace(option.begin(), option.end(), '-', '_');
  return option;
}

// A value of the file as the words that an option takes.
std::vector<std::string> words_of_value(const nlohmann::ordered_json& value, const std::string& where) {
  if (value.is_string()) return {value.get<std::string>()};
  if (value.is_boolean() || value.is_number()) return {value.dump()};
  std::vector<std::string> words;
  check(value.is_array() && !value.empty(), "{}: must be a string, a number, true, false or a list; got {}", where,
        value.dump().substr(0, 40));
  for (const auto& part : value) words.push_back(part.is_string() ? part.get<std::string>() : part.dump());
  return words;
}

void apply_setting(CLI::App& app, const std::string& path, const std::string& key,
                   const nlohmann::ordered_json& value) {
  std::vector<std::string> known{"tasks", "alignment", "agreement"};
  for (const CLI::Option* option : app.get_options())
    if (option->get_configurable() && option->get_name() != "--config" && option->get_name() != "--tasks")
      known.push_back(key_of(option->get_name()));
  check(std::find(known.begin(), known.end(), key) != known.end(), "{}: there is no key '{}'{}; the keys are {}", path,
        text::shown(key), text::did_you_mean(key, known), fmt::format("{}", fmt::join(known, ", ")));
  CLI::Option* option = app.get_option(option_of(key));
  if (option->count()) return;  // the command line goes before
  try {
    for (const std::string& word : words_of_value(value, path + ": " + key)) option->add_result(word);
    option->run_callback();
  } catch (const CLI::Error& e) {
    const std::string what = e.what();
    const std::string name = option->get_name() + ": ";
    fail("{}: {}: {}", path, key, what.starts_with(name) ? what.substr(name.size()) : what);
  }
}

}  // namespace

void Options::declare(CLI::App& app) {
  app.add_option("--tasks", tasks,
                 "the task file; `multitask example` prints one, and it is what is taken without this");
  train.declare_model(app);
  train.declare_training(app);
  app.add_option(
         "--sampling", sampling.kind,
         "how often a task comes: round-robin or uniform, all alike; proportional to its examples n; temperature: "
         "to n^(1/tau); annealed: from proportional towards uniform")
      ->group("Tasks")
      ->check(one_of(sampling_names()));
  app.add_option("--sampling-temperature", sampling.temperature, "tau")->group("Tasks")->check(run::between(0.01, 1e6));
  app.add_option("--batches", sampling.batches, "mixed: every step has all tasks; one: a step has one task")
      ->group("Tasks")
      ->check(one_of({"mixed", "one"}));
  app.add_option("--weighting", weighting,
                 "what becomes of the tasks' losses: " + fmt::format("{}", fmt::join(optim::weighting_names(), ", ")) +
                     "; default equal, or fixed where a task has a weight")
      ->group("Tasks")
      ->check(one_of(optim::weighting_names()));
  app.add_option("--weighting-lr", weighting_lr, "of what uncertainty, imtl-l, gradnorm and auto-lambda learn")
      ->group("Tasks")
      ->check(run::positive());
  app.add_option("--dwa-temperature", weighting_options.dwa_temperature, "of dwa")
      ->group("Tasks")
      ->check(run::positive());
  app.add_option("--gradnorm-alpha", weighting_options.gradnorm_alpha, "of gradnorm")
      ->group("Tasks")
      ->check(run::not_negative());
  app.add_option("--cagrad-c", weighting_options.cagrad_c, "of cagrad")->group("Tasks")->check(run::not_negative());
  app.add_option("--famo-lr", weighting_options.famo_lr, "of famo")->group("Tasks")->check(run::positive());
  app.add_option("--famo-decay", weighting_options.famo_decay, "of famo")->group("Tasks")->check(run::not_negative());
  app.add_option("--lookahead", weighting_options.lookahead, "of auto-lambda: rate of the step that it looks ahead")
      ->group("Tasks")
      ->check(run::positive());
  app.add_option("--primary", primary, "of auto-lambda: a task whose loss counts then, may be repeated; default all")
      ->group("Tasks");
  app.add_option("--stch-mu", weighting_options.stch_mu, "of stch")->group("Tasks")->check(run::positive());
  app.add_option("--stch-warmup-epochs", weighting_options.stch_warmup_epochs, "of stch")
      ->group("Tasks")
      ->check(run::between(1, 1e6));
  app.add_flag("--single", single, "train each task alone, too, with the same settings, and compare")->group("Tasks");
  train.declare_run(app, "multitask");
}

TaskFile Options::settle(CLI::App& app) {
  const bool resume = !train.resume.empty();
  train.settle(app, "multitask");
  const std::string path = resume ? train.out + "/tasks.json" : tasks;
  TaskFile file = path.empty() ? parse_task_file(kExample, "the example's task file") : read_task_file(path);
  for (const auto& [key, value] : file.settings.items()) apply_setting(app, file.path, key, value);
  fit(file);
  return file;
}

void Options::fit(const TaskFile& file) {
  const bool weights = std::any_of(file.tasks.begin(), file.tasks.end(), [](const TaskSpec& t) { return t.weight; });
  if (weighting.empty()) weighting = weights ? "fixed" : "equal";
  for (const TaskSpec& task : file.tasks)
    check(!task.weight || weighting == "fixed",
          "{}.weight: the weighting '{}' sets the weights by itself; take the key out, or choose 'fixed'", task.where,
          weighting);
  weighting_options.kind = optim::weighting_kind(weighting);
  weighting_options.seed = train.seed;
  weighting_options.fixed.clear();
  weighting_options.primary.clear();
  std::vector<std::string> names;
  for (const TaskSpec& task : file.tasks) {
    weighting_options.fixed.push_back(task.weight.value_or(1));
    const bool counts = std::find(primary.begin(), primary.end(), task.name) != primary.end();
    weighting_options.primary.push_back(primary.empty() || counts);
    names.push_back(task.name);
  }
  for (const std::string& name : primary) check_name(file.path + ": primary", name, names);
  check(sampling.batches == "mixed" || file.tasks.size() == 1 || !optim::needs_all_tasks(weighting_options.kind),
        "{}: the weighting '{}' needs all tasks in every step; it cannot go with \"batches\": \"one\"", file.path,
        weighting);
  check(weighting != "stch" || double(weighting_options.stch_warmup_epochs) < train.epochs,
        "{}: stch_warmup_epochs: {} of {:g} epochs; stch would never begin", file.path,
        weighting_options.stch_warmup_epochs, train.epochs);
  sampling.batch_size = train.batch_size;
  sampling.shuffle = !train.no_shuffle;
  sampling.seed = train.seed;
}

}  // namespace multitask
