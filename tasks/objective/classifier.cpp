// Options, texts and milestones of a classifier's training. Read tasks/model/build.h and tasks/run/training.h first.
#include "tasks/objective/classifier.h"

#include "nn/format/files.h"
#include "tasks/model/log_odds.h"
#include "tasks/run/console.h"
#include "tasks/run/fingerprint.h"

namespace objective {

using engine::check;
using nlohmann::ordered_json;

void ClassifierOptions::declare(run::Options& options, const std::string& task) {
  files.declare(options);
  model.declare(options);
  model.declare_log_odds(options);
  training.declare(options, task);
  const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("Training");
  };
  add("--label-smoothing", label_smoothing, "share of the target that is spread over all classes").between(0, 1);
  add("--class-weights", class_weights,
      "none; balanced: a rare class weighs more; or a file with lines LABEL TAB WEIGHT");
  add("--metric", metric, "what the best epoch is best in: accuracy, macro_f1, mcc or loss")
      .one_of({"accuracy", "macro_f1", "mcc", "loss"});
  shaping.declare(options);
  retention.declare(options);
}

void ClassifierOptions::settle(run::Options& options, const std::string& task) {
  training.settle(options, task);
  model.settle(options);
  model.retention_bins = retention.bins();
}

spec::TaskSet ClassifierOptions::load(const text::Labels& known) const {
  spec::TaskSpec task;
  task.files = files;
  task.labels = text::Labels::parse(files.how.labels);
  if (task.labels.empty()) task.labels = known;
  if (task.labels.empty() && model.pretrained() && !model.new_head)
    task.labels = model::labels_of_classifier(model.model);
  task.metric = metric;
  task.label_smoothing = label_smoothing;
  task.class_weights = class_weights;
  if (model.model == "pool") task.queries = model.heads.value_or(4);
  spec::TaskSet set = spec::load_tasks({task}, training.seed);
  check(!set.corpora[0].examples[spec::kDev].empty() || !training.patience, "--patience needs dev examples");
  return set;
}

void ClassifierOptions::encode(spec::TaskSet& set, model::TextModel& model_) const {
  spec::encode(set, model_.tokenizer, model_.reading.max_length, model_.reading.how());
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
  run::Fingerprint read;
  if (!shaping.guide.empty()) read.add("guide", nn::read_file(shaping.guide));
  frame.data = spec::fingerprint_of(set, model_.tokenizer) + read.text();
  frame.inputs = more;
  for (const std::string& file : files.paths()) frame.inputs.push_back(file);
  for (const std::string& path : {model.pretrained() ? model.model : "", model.vocab, shaping.guide})
    if (!path.empty()) frame.inputs.push_back(path);
  if (class_weights != "none" && class_weights != "balanced") frame.inputs.push_back(class_weights);
  return frame;
}

text::Batches ClassifierOptions::batches(const text::EncodedSet& train) const {
  return text::Batches(train, training.batch_size * training.accumulate, !training.no_shuffle, training.seed);
}

void finish_epoch(run::Training& training, const model::TextModel& model, const spec::TaskSet& set,
                  const std::string& metric) {
  const auto save = [&](const std::string& directory) { model.save(directory); };
  if (set.corpora[0].texts[spec::kDev].size() == 0) {
    training.keep_best({}, save);
    return;
  }
  training.run().pause();
  const model::Evaluation dev = model::evaluate(model, set, spec::kDev, "dev")[0];
  const bool best = training.keep_best(dev.merit(metric), save);
  training.run().log({{"dev", dev.figures}});
  training.run().say(fmt::format("\nepoch {:g}, dev{}\n{}\n{}\n", training.epoch(), best ? " (the best so far)" : "",
                                 score::to_text(*dev.report), dev.line()));
}

void finish_run(const run::Training& training, const std::string& task, const spec::TaskSet& set,
                const ClassifierOptions& o) {
  const auto best = model::load_model(model::ModelDirectory(training.best_directory()));
  const bool has_dev = set.corpora[0].texts[spec::kDev].size() > 0;
  const model::Evaluation test = model::evaluate(*best, set, spec::kTest, "test")[0];
  fmt::print("\ntest, with the {} epoch's model\n{}\n", has_dev ? "best" : "last", test.text());
  ordered_json result = test.json();
  if (has_dev) result["best_dev"] = {{o.metric, o.metric == "loss" ? -training.best() : training.best()}};
  const double seconds = training.run().seconds();
  result["seconds"] = seconds;
  nn::write_file(training.run().file("result.json"), result.dump(2) + "\n");
  fmt::print("result task={} accuracy={:.4f} macro_f1={:.4f} seconds={:.0f} out={}\n", task, test.value("accuracy"),
             test.value("macro_f1"), seconds, o.training.out);
}

}  // namespace objective
