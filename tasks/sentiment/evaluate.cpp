// A model on labelled texts: figures, certainty, groups. Read tasks/model/evaluate.h and calibration.h first.
#include "tasks/sentiment/evaluate.h"

#include <fmt/ranges.h>

#include "nn/format/files.h"
#include "tasks/command/errors.h"
#include "tasks/command/labelled.h"
#include "tasks/model/doubts.h"
#include "tasks/model/groups.h"
#include "tasks/model/shipped.h"
#include "tasks/run/directory.h"
#include "tasks/sentiment/counterfactual.h"

namespace sentiment {

using engine::check;
using nn::ordered_json;

namespace {

// What the model says of every contrast's pairs.
std::vector<ContrastReport> exchanged(const model::TextModel& model, const model::Reading& reading) {
  const int comparisons = int(contrasts().size() * model.labels().size());
  std::vector<ContrastReport> reports;
  for (const Contrast& contrast : contrasts()) {
    std::vector<text::Example> examples;
    for (const std::string& text : sentences(contrast)) examples.push_back({.text = text});
    const text::EncodedSet set = text::encode(examples, model.tokenizer, reading.max_length, reading.how());
    reports.push_back(contrast_report(contrast, model::predict(model, set)[0].scores, comparisons));
  }
  return reports;
}

struct EvaluateOptions {
  model::Request given;
  std::string out;
  std::vector<std::string> data, group;
  int errors = 0;
  bool counterfactual = false;

  void declare(run::Options& options);
};

void EvaluateOptions::declare(run::Options& options) {
  given.declare(options, true);
  options.add("--data", data, "files with texts and labels, or LABEL=FILE; the embedded test set if not given").reads();
  options.add("--errors", errors, "also list so many texts with a wrong label, the surest first, and what led to it")
      .not_negative();
  options.add("--group", group,
              "column of --data, or several: also every figure by group, shares with their intervals, and the largest "
              "differences between groups");
  options.add("--counterfactual", counterfactual,
              "also what changes when names, pronouns and places are exchanged, in sentences of the program's own, "
              "English and German");
  options.add("--out", out, "also write the figures as JSON to this file").writes();
}

// One a text; nothing where none are asked for.
std::vector<std::string> groups_in(const spec::TaskSet& set, const EvaluateOptions& o) {
  if (o.group.empty()) return {};
  check(!o.data.empty(), "--group names a column of the files in --data; the embedded test set has none");
  return model::groups_of(set.corpora[0].examples[spec::kTest], o.data, o.given.files.table_options(), o.group);
}

// What is printed below the figures where it is asked for, or can be said; `json` gets it too.
void add_certainty(const model::TextModel& model, const spec::Targets& targets, const model::Outputs& outputs,
                   ordered_json& json) {
  if (!model::calibrates(model.tasks[0])) return;
  const model::Certainty certainty = model::certainty_of(outputs.scores, targets.classes);
  fmt::print("{}", certainty.text());
  json["certainty"] = certainty.json();
}

void add_contrasts(const model::TextModel& model, const model::Reading& reading, ordered_json& json) {
  const std::vector<ContrastReport> reports = exchanged(model, reading);
  fmt::print("\n{}", to_text(reports, model.labels()));
  json["counterfactual"] = to_json(reports, model.labels());
}

std::string result_line(const model::Evaluation& e) {
  std::string line = "result task=sentiment";
  for (const auto& [name, value] : e.figures.items())
    if (name != "loss") line += fmt::format(" {}={:.4f}", name, value.get<double>());
  return line;
}

}  // namespace

void evaluate_command(run::Options& options, const run::Parse& parse) {
  EvaluateOptions o;
  o.declare(options);
  parse();
  run::print_setup("sentiment", "evaluate");
  const auto model = o.given.load(options);
  check(!o.counterfactual || model->only_task().one_class(),
        "--counterfactual compares classes; this model's head predicts '{}'", spec::head_name(model->tasks[0].head));
  const spec::TaskSet set = command::labelled(options, o.given, o.data, *model);
  const std::vector<std::string> groups = groups_in(set, o);
  std::vector<model::Outputs> outputs;
  const model::Evaluation e = model::evaluate(*model, set, spec::kTest, "evaluate", &outputs)[0];
  const size_t columns = run::terminal_width();
  ordered_json json = e.json();
  model::GroupReport by_group;
  if (!groups.empty())
    by_group = model::group_report(set.tasks[0], set.tasks[0].targets[spec::kTest], outputs[0], groups);
  fmt::print("\n{}\n{}", o.data.empty() ? "the embedded test set" : fmt::format("{}", fmt::join(o.data, ", ")),
             e.text(columns));
  add_certainty(*model, set.tasks[0].targets[spec::kTest], outputs[0], json);
  if (!groups.empty()) {
    fmt::print("\n{}", by_group.text());
    json.update(by_group.json());
  }
  if (o.counterfactual) add_contrasts(*model, o.given.reading, json);
  fmt::print("\n");
  std::fflush(stdout);
  model::print(model::doubts_about_texts(*model, set, spec::kTest));
  model::print(model::doubts_about(e));
  model::print(by_group.doubts());
  if (o.errors) {
    model->net.params.freeze("*");
    fmt::print("{}\n", command::wrong_ones(*model, set, 0, spec::kTest, outputs[0], size_t(o.errors), columns));
  }
  if (!o.out.empty()) nn::write_file(o.out, json.dump(2) + "\n");
  fmt::print("{} n={}\n", result_line(e), set.corpora[0].texts[spec::kTest].size());
}

// Without training: what finish_run() does with dev, for a published model, or by fresh texts.
void calibrate_command(run::Options& options, const run::Parse& parse) {
  model::Request given;
  std::vector<std::string> data;
  given.declare(options, true);
  options
      .add("--data", data,
           "files with texts and labels that the model has not learned from, nor is to be measured on: a dev set")
      .reads()
      .required();
  parse();
  const std::string directory = model::ModelDirectory(given.directory, given.base).path;
  model::check_not_shipped(directory);
  run::print_setup("sentiment", "calibrate");
  const auto model = given.load(options);
  check(model::calibrates(model->only_task()), "{}: only a head of one label a text is calibrated", directory);
  const spec::TaskSet set = command::labelled(options, given, data, *model);
  const std::vector<int>& classes = set.tasks[0].targets[spec::kTest].classes;
  const auto certainty = [&] {
    return model::certainty_of(model::predict(*model, set.corpora[0].texts[spec::kTest])[0].scores, classes);
  };
  model->calibrations[0].reset();
  const model::Certainty before = certainty();
  model::calibrate(*model, set, spec::kTest);
  const model::Certainty after = certainty();
  model::write_calibrations(*model, directory);
  fmt::print("on these very texts, as it was\n{}and now\n{}", before.text(), after.text());
  fmt::print("result task=calibrate temperature={:.4f} ece_before={:.4f} ece={:.4f} perfect={:.4f} n={}\n",
             model->calibrations[0]->temperature, before.ece, after.ece, after.ece_of_a_perfect_model, classes.size());
}

}  // namespace sentiment
