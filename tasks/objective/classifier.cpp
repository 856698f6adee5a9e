// Options, texts and milestones of a classifier's training. Read tasks/model/build.h and tasks/run/training.h first.
#include "tasks/objective/classifier.h"

#include "nn/format/files.h"
#include "tasks/model/doubts.h"
#include "tasks/model/log_odds.h"
#include "tasks/objective/defaults.h"
#include "tasks/objective/epoch_events.h"
#include "tasks/objective/predictions.h"
#include "tasks/run/card.h"
#include "tasks/run/console.h"
#include "tasks/run/fingerprint.h"

namespace objective {

using engine::check;
using nn::ordered_json;

void ClassifierOptions::declare(run::Options& options, const std::string& task) {
  declare_learning(options);
  training.declare_run(options, task);
}

void ClassifierOptions::declare_learning(run::Options& options) {
  files.declare(options);
  model.declare(options, true);
  model.declare_log_odds(options);
  training.declare_passes(options);
  training.declare_steps(options);
  const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("Training");
  };
  add("--head", head,
      "what is predicted: label, one of several names; ordinal, one of ratings, whose order is known; or regression, a "
      "number")
      .one_of({"label", "ordinal", "regression"});
  add("--label-smoothing", label_smoothing, "share of the target that is spread over all classes").between(0, 1);
  add("--class-weights", class_weights,
      "none; balanced: a rare class weighs more; or a file with lines LABEL TAB WEIGHT");
  add("--metric", metric,
      "what the best epoch is best in: loss; or of labels accuracy, macro_f1, mcc; of ordinal quadratic_kappa (the "
      "default), mae, accuracy, macro_f1; of regression pearson (the default), spearman, mse, mae")
      .one_of({"accuracy", "macro_f1", "mcc", "loss", "quadratic_kappa", "mae", "pearson", "spearman", "mse"});
  shaping.declare(options);
  robust.declare(options);
  retention.declare(options);
}

void ClassifierOptions::settle(run::Options& options, const std::string& task) {
  training.settle(options, task);
  model.settle(options);
  std::vector<std::string> fitting = spec::metrics_of(predicts());
  if (!options.given("--metric") && predicts() != nn::Predicts::label) options.decide("--metric", fitting[0]);
  fitting.push_back("loss");
  spec::check_name("--metric of --head " + head, metric, fitting);
  const bool plain = predicts() == nn::Predicts::label;
  check(plain || (label_smoothing == 0 && class_weights == "none"),
        "--label-smoothing and --class-weights are for --head label; got --head {}", head);
  model.retention_bins = retention.bins();
  robust.settle(predicts(), shaping, label_smoothing, class_weights);
}

spec::TaskSet ClassifierOptions::load(const text::Labels& known) const {
  spec::TaskSpec task;
  task.head = predicts();
  task.loss = spec::losses_of(task.head)[0];
  task.files = files;
  task.files.how.label_as_target = !task.one_class();
  check(task.classifies() || files.how.labels == "auto", "--labels names classes; --head {} has none", head);
  task.labels = text::Labels::parse(files.how.labels);
  if (task.labels.empty()) task.labels = known;
  if (task.labels.empty() && task.classifies() && model.pretrained() && !model.new_head)
    task.labels = model::labels_of_classifier(model.directory());
  task.metric = metric;
  task.label_smoothing = label_smoothing;
  task.class_weights = class_weights;
  spec::TaskSet set = spec::load_tasks({task}, training.seed);
  check(!set.corpora[0].examples[spec::kDev].empty() || !training.patience, "--patience needs dev examples");
  return set;
}

namespace {

// Options that only one kind of model from nothing has say which it is.
ModelChoice model_of_options(const run::Options& options) {
  const std::pair<const char*, std::vector<const char*>> kinds[] = {
      {"bert", {"--layers", "--intermediate"}},
      {"pool",
       {"--bigrams", "--subwords", "--length-exponent", "--log-odds", "--hidden", "--heads", "--vocab", "--vocab-size",
        "--cased"}}};
  for (const auto& [model, names] : kinds)
    for (const char* name : names)
      if (options.given(name)) return {model, fmt::format("{} is given", name)};
  return {};
}

}  // namespace

void ClassifierOptions::decide(run::Options& options, spec::TaskSet& set) {
  const std::vector<text::Example>& train = set.corpora[0].examples[spec::kTrain];
  const long classes = predicts() == nn::Predicts::label ? set.tasks[0].spec.labels.size() : 0;
  std::string said;
  const auto decide = [&](const std::string& name, const std::string& value, const std::string& why = "") {
    options.decide(name, value);
    said += fmt::format("{}{} {}{}", said.empty() ? "" : ", ", name, value, why);
  };
  if (model.model == "auto" && !model_of_options(options).model.empty()) {
    const ModelChoice choice = model_of_options(options);
    decide("--model", choice.model, " (" + choice.why + ")");
  } else if (model.model == "auto") {
    const ModelChoice choice = choose_model(facts_of(train, classes, model.reading.max_length));
    decide("--model", choice.model, " (" + choice.why + ")");
    for (const auto& [name, value] : choice.options)
      if (!options.given(name)) decide(name, value);
    model.settle(options);
  }
  if (!options.given("--lr")) decide("--lr", fmt::format("{:g}", model.default_lr()));
  if (!options.given("--epochs") && !options.given("--max-steps")) {
    const long batch = long(training.batch_size) * training.accumulate;
    const long texts = long(train.size()) * (robust.augment == "none" ? 1 : robust.copies + 1);
    const long steps = (texts + batch - 1) / batch;
    const PassesChoice passes = choose_passes(steps, classes);
    decide("--epochs", std::to_string(passes.epochs), fmt::format(" ({} steps)", passes.epochs * steps));
    const bool has_dev = !set.corpora[0].examples[spec::kDev].empty();
    if (has_dev && !options.given("--patience")) decide("--patience", std::to_string(passes.patience));
  }
  if (model.model == "pool") set.tasks[0].spec.queries = model.heads.value_or(4);
  if (!said.empty()) run::print_note("left open, so: {}\n", said);
}

void ClassifierOptions::encode(spec::TaskSet& set, model::TextModel& model_) const {
  spec::encode(set, model_.tokenizer, model_.reading.max_length, model_.reading.how());
  model::print(model::doubts_about_texts(model_, set, spec::kTrain));
  model::print(model::doubts_about_classes(set.tasks[0], metric));
  model::start_from_counts(model_, set);
  if (model.log_odds > 0) model::start_from_log_odds(model_, set, model.log_odds);
}

run::Frame ClassifierOptions::frame(const run::Options& options, const text::Batches& batches, const spec::TaskSet& set,
                                    const model::TextModel& model_, const RetentionLearning& learning,
                                    const std::vector<std::string>& more) const {
  run::Frame frame;
  frame.options = options.effective();
  frame.steps_per_epoch = batches.per_epoch();
  frame.default_lr = model.default_lr();
  frame.own_steps = [learning](const std::string& parameter) { return learning.moves(parameter); };
  frame.where = [&set](long row) { return set.corpora[0].examples[spec::kTrain][row].where; };
  run::Fingerprint read;
  shaping.add_to(read);
  if (class_weights != "none" && class_weights != "balanced") read.add("class weights", nn::read_file(class_weights));
  frame.data = spec::fingerprint_of(set, model_.tokenizer) + read.text();
  frame.also_written = {kPredictions};
  frame.inputs = more;
  for (const std::string& file : files.paths()) frame.inputs.push_back(file);
  for (const std::string& path : model.inputs()) frame.inputs.push_back(path);
  if (!shaping.guide.empty()) frame.inputs.push_back(shaping.guide);
  for (const std::string& path : robust.inputs()) frame.inputs.push_back(path);
  if (class_weights != "none" && class_weights != "balanced") frame.inputs.push_back(class_weights);
  return frame;
}

namespace {

constexpr long kReports = 5;  // with more passes than that, one line for each is enough

}  // namespace

void finish_epoch(run::Training& training, const model::TextModel& model, const spec::TaskSet& set,
                  const std::string& metric) {
  const auto save = [&](const std::string& directory) { model.save(directory); };
  if (set.corpora[0].texts[spec::kDev].size() == 0) {
    training.keep_best({}, save);
    return;
  }
  training.run().pause();
  std::vector<model::Outputs> outputs;
  const model::Evaluation dev = model::evaluate(model, set, spec::kDev, "dev", &outputs)[0];
  std::optional<double> merit;
  if (!metric.empty()) merit = dev.merit(metric);
  const bool best = training.keep_best(merit, save) && merit;
  training.run().log({{"dev", dev.figures}});
  log_epoch(training, model, set, outputs);
  const std::string title = fmt::format("epoch {:g}, dev{}", training.epoch(), best ? " (the best so far)" : "");
  const bool many = training.steps() > kReports * training.run().steps_per_epoch();
  training.run().say(
      many || !dev.report
          ? fmt::format("{}: {}", title, dev.line())
          : fmt::format("\n{}\n{}", title, dev.text(run::terminal_width(), model::Evaluation::Says::totals)));
}

namespace {

run::Card card_of(const std::string& program, const spec::TaskSet& set, const ClassifierOptions& o,
                  const model::Evaluation& test) {
  const bool has_test = set.corpora[0].separate_test;
  ordered_json texts;
  for (const spec::Split split : {spec::kTrain, spec::kDev, spec::kTest})
    if (split != spec::kTest || has_test) texts[spec::kSplitNames[split]] = set.corpora[0].texts[split].size();
  return {
      .program = program,
      .pipeline = "text-classification",
      .about = o.predicts() == nn::Predicts::number ? "It gives texts a number." : "It gives texts one of its labels.",
      .labels = set.tasks[0].spec.labels.names(),
      .data = o.files.paths().empty() ? "the embedded corpus" : "",
      .texts = texts,
      .figures = test.figures,
      .measured_on = has_test ? "test" : "dev"};
}

}  // namespace

void finish_run(const run::Training& training, const std::string& task, const spec::TaskSet& set,
                const ClassifierOptions& o) {
  const auto best = model::load_model(model::ModelDirectory(training.best_directory()));
  const bool has_dev = set.corpora[0].texts[spec::kDev].size() > 0;
  if (has_dev) model::calibrate(*best, set, spec::kDev);
  model::write_calibrations(*best, training.best_directory());
  std::vector<model::Outputs> said;
  const model::Evaluation test = model::evaluate(*best, set, spec::kTest, "test", &said)[0];
  fmt::print(
      "\n{}, with the {} epoch's model\n{}\n",
      set.corpora[0].separate_test ? "test" : "dev again, since there is no test: it chose the epoch, and flatters",
      has_dev ? "best" : "last", test.text(run::terminal_width()));
  std::fflush(stdout);
  model::Doubts doubts = model::doubts_about(test);
  for (const std::string& doubt : model::doubts_about_memory(*best, set, test)) doubts.push_back(doubt);
  model::print(doubts);
  ordered_json result = test.json();
  if (model::calibrates(best->tasks[0]))
    result["certainty"] = model::certainty_of(said[0].scores, set.tasks[0].targets[spec::kTest].classes).json();
  if (!doubts.empty()) result["warnings"] = doubts;
  if (has_dev) result["best_dev"] = {{o.metric, model::lower_is_better(o.metric) ? -training.best() : training.best()}};
  const double seconds = run::write_result(training.run(), result);
  write_predictions(training.run().file(kPredictions), set, 0, spec::kTest, said[0]);
  run::write_card(training.run(), card_of(task, set, o, test));
  std::string figures;
  for (const char* name : {"accuracy", "quadratic_kappa", "mae", "macro_f1", "pearson"})
    if (test.figures.contains(name)) figures += fmt::format(" {}={:.4f}", name, test.value(name));
  fmt::print("result task={}{} seconds={:.0f} out={}\n", task, figures, seconds, o.training.out);
}

}  // namespace objective
