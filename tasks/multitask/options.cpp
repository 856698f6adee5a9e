// The options of training several tasks; those of the task file go through the same checks. Read tasks/run/options.h
// and optim/several/weighting.h first.
#include "tasks/multitask/options.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "tasks/run/console.h"

namespace multitask {

using engine::check;
using engine::fail;

const char* const kExample = R"({
  // One encoder, two tasks, one set of texts: the corpus that this program carries inside.
  "model": "pool",
  "weighting": "equal",
  "tasks": {
    "sentiment": {"data": "embedded", "label_column": "label"},
    "topic":     {"data": "embedded", "label_column": "topic", "metric": "accuracy"}
  }
}
)";

namespace {

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
std::vector<std::string> words_of_value(const nn::ordered_json& value, const std::string& where) {
  if (value.is_string()) return {value.get<std::string>()};
  if (value.is_boolean() || value.is_number()) return {value.dump()};
  std::vector<std::string> words;
  const auto is_word = [](const nn::ordered_json& v) { return v.is_string() || v.is_boolean() || v.is_number(); };
  check(value.is_array() && !value.empty() && std::ranges::all_of(value, is_word),
        "{}: must be a string, a number, true, false or a list of these; got {}", where, value.dump().substr(0, 40));
  for (const auto& part : value) words.push_back(part.is_string() ? part.get<std::string>() : part.dump());
  return words;
}

// The keys that a task file may have: what a run is, not where it goes.
std::vector<std::string> known_keys(const run::Options& options) {
  std::vector<std::string> keys{"tasks", "alignment", "agreement"};
  for (const std::string& name : options.names())
    if (name != "--tasks" && name != "--resume" && name != "--overwrite") keys.push_back(key_of(name));
  return keys;
}

void apply_setting(run::Options& options, const std::string& path, const std::string& key,
                   const nn::ordered_json& value) {
  const std::vector<std::string> known = known_keys(options);
  check(std::find(known.begin(), known.end(), key) != known.end(), "{}: there is no key '{}'{}; the keys are {}", path,
        text::shown(key), text::did_you_mean(key, known), fmt::format("{}", fmt::join(known, ", ")));
  const std::string name = option_of(key), where = path + ": " + key;
  try {
    options.set(name, words_of_value(value, where));
  } catch (const engine::Error& e) {
    const std::string what = e.what(), said = name + ": ";
    fail("{}", what.starts_with(said) ? where + ": " + what.substr(said.size()) : what);
  }
}

}  // namespace

void TrainOptions::declare(run::Options& options) {
  options.add("--tasks", tasks, "the task file; `multitask example` prints one, and it is what is taken without this")
      .reads();
  model.declare(options);
  model.declare_log_odds(options);
  training.declare(options, "multitask");
  shaping.declare(options);
  robust.declare(options);
  retention.declare(options);
  declare_tasks(options);
  declare_weighting(options);
}

void TrainOptions::declare_tasks(run::Options& options) {
  options
      .add("--sampling", sampling.kind,
           "how often a task comes: round-robin or uniform, all alike; proportional to its examples n; temperature: "
           "to n^(1/tau); annealed: from proportional towards uniform")
      .group("Tasks")
      .one_of(sampling_names());
  options.add("--sampling-temperature", sampling.temperature, "tau")
      .group("Tasks")
      .only_with("--sampling", {"temperature"})
      .between(0.01, 1e6);
  options.add("--batches", sampling.batches, "mixed: every step has all tasks; one: a step has one task")
      .group("Tasks")
      .one_of({"mixed", "one"});
  options.add("--single", single, "train each task alone, too, with the same settings, and compare").group("Tasks");
}

void TrainOptions::declare_weighting(run::Options& options) {
  const char* weighted = "--weighting";
  const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("Tasks");
  };
  add("--weighting", weighting, "what becomes of the tasks' losses; default equal, or fixed where a task has a weight")
      .one_of(optim::weighting_names());
  add("--weighting-lr", weighting_lr, "of what uncertainty, imtl-l, gradnorm and auto-lambda learn")
      .only_with(weighted, {"uncertainty", "imtl-l", "gradnorm", "auto-lambda"})
      .positive();
  add("--dwa-temperature", weighting_options.dwa_temperature, "of dwa").only_with(weighted, {"dwa"}).positive();
  add("--gradnorm-alpha", weighting_options.gradnorm_alpha, "of gradnorm")
      .only_with(weighted, {"gradnorm"})
      .not_negative();
  add("--cagrad-c", weighting_options.cagrad_c, "of cagrad").only_with(weighted, {"cagrad"}).not_negative();
  add("--famo-lr", weighting_options.famo_lr, "of famo").only_with(weighted, {"famo"}).positive();
  add("--famo-decay", weighting_options.famo_decay, "of famo").only_with(weighted, {"famo"}).not_negative();
  add("--lookahead", weighting_options.lookahead, "of auto-lambda: rate of the step that it looks ahead")
      .only_with(weighted, {"auto-lambda"})
      .positive();
  add("--primary", primary, "of auto-lambda: a task whose loss counts then, may be repeated; default all")
      .only_with(weighted, {"auto-lambda"});
  add("--stch-mu", weighting_options.stch_mu, "of stch").only_with(weighted, {"stch"}).positive();
  add("--stch-warmup-epochs", weighting_options.stch_warmup_epochs, "of stch")
      .only_with(weighted, {"stch"})
      .between(1, 1e6);
}

spec::TaskFile TrainOptions::settle(run::Options& options) {
  training.settle(options, "multitask", false);
  const std::string own = training.out + "/tasks.json";
  const std::string path = !training.resume.empty() && std::filesystem::exists(own) ? own : tasks;
  spec::TaskFile file = path.empty() ? spec::parse_task_file(kExample, "the example's task file")
                                     : spec::read_task_file(path, training.resume.empty() ? spec::Written::by_hand
                                                                                          : spec::Written::by_program);
  for (const auto& [key, value] : file.settings.items()) apply_setting(options, file.path, key, value);
  training.check_batch();
  model.retention_bins = retention.bins();
  model.settle(options);
  settle_weighting(file);
  if (training.resume.empty()) options.check_used();
  check_steps(file);
  robust.settle(file.tasks, file.path, shaping);
  sampling.batch_size = training.batch_size * training.accumulate;
  sampling.shuffle = !training.no_shuffle;
  sampling.seed = training.seed;
  return file;
}

void TrainOptions::settle_weighting(const spec::TaskFile& file) {
  const bool weights =
      std::any_of(file.tasks.begin(), file.tasks.end(), [](const spec::TaskSpec& t) { return t.weight; });
  if (weighting.empty()) weighting = weights ? "fixed" : "equal";
  for (const spec::TaskSpec& task : file.tasks)
    check(!task.weight || weighting == "fixed",
          "{}.weight: the weighting '{}' sets the weights by itself; take the key out, or choose 'fixed'", task.where,
          weighting);
  weighting_options.kind = optim::weighting_kind(weighting);
  weighting_options.seed = training.seed;
  weighting_options.fixed.clear();
  weighting_options.primary.clear();
  std::vector<std::string> names;
  for (const spec::TaskSpec& task : file.tasks) {
    weighting_options.fixed.push_back(task.weight.value_or(1));
    const bool counts = std::find(primary.begin(), primary.end(), task.name) != primary.end();
    weighting_options.primary.push_back(primary.empty() || counts);
    names.push_back(task.name);
  }
  for (const std::string& name : primary) spec::check_name(file.path + ": primary", name, names);
}

void TrainOptions::check_steps(const spec::TaskFile& file) const {
  const bool whole = optim::needs_all_tasks(weighting_options.kind);
  check(sampling.batches == "mixed" || file.tasks.size() == 1 || !whole,
        "{}: the weighting '{}' needs all tasks in every step; it cannot go with \"batches\": \"one\"", file.path,
        weighting);
  check(training.accumulate == 1 || !whole,
        "{}: the weighting '{}' looks at the losses or the gradients of a whole step at once; it cannot go with "
        "\"accumulate\": {}",
        file.path, weighting, training.accumulate);
  check(shaping.r_drop == 0 || std::any_of(file.tasks.begin(), file.tasks.end(), objective::one_of_several),
        "{}: r_drop compares two predictions of one class by cross_entropy; there is no such task", file.path);
}

}  // namespace multitask
