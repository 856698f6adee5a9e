// From a command line to a model and texts. Read tasks/model/predict.h first.
#include "tasks/model/request.h"

#include <algorithm>

#include "tasks/model/adapter.h"
#include "tasks/model/shipped.h"

namespace model {

void Request::declare(run::Options& options, bool with_labels, bool with_files) {
  const std::string what = "directory of a run, of a model or of an adapter, or the name of a model that ships";
  if (with_labels)
    options.add("--model", directory, what).required();
  else
    options.add("--model", directory, what + "; if not given, the classifier that ships, " + kReady);
  declare_base(options, base);
  reading.declare(options);
  if (with_files) files.declare(options, with_labels);
}

void Request::declare_texts(run::Options& options, const std::string& without) {
  options.take_texts();  // as they are
  options.footer("Other arguments are texts; without any, and without --file, " + without);
  options.add("--file", file, "file with a text column, a table or a workbook; -: standard input").reads();
}

namespace {

// How the model's files were read: what the first task says, unless another one reads other texts.
const spec::DataOptions& columns_of(const std::vector<spec::TaskSpec>& tasks) {
  static const spec::DataOptions defaults;
  const spec::DataOptions& first = tasks[0].files.how;
  const auto reads_others = [&](const spec::TaskSpec& task) {
    return task.files.how.text_column != first.text_column || task.files.how.pair_column != first.pair_column;
  };
  return std::any_of(tasks.begin(), tasks.end(), reads_others) ? defaults : first;
}

}  // namespace

std::unique_ptr<TextModel> Request::load(const run::Options& options) {
  if (directory.empty()) directory = ready_classifier();
  std::unique_ptr<TextModel> model = load_model(ModelDirectory(directory, base));
  model->net.pack();
  reading = Reading::settle(options, reading, model->reading);
  check_positions(reading, model->net, directory);
  files.follow(options, columns_of(model->tasks));
  return model;
}

void Request::check_texts(const run::Options& options) const {
  if (!options.texts().empty() && !file.empty()) run::usage_error("texts and --file exclude each other");
  for (const char* of_a_table :
       {"--text-column", "--pair-column", "--format", "--delimiter", "--sheet", "--encoding", "--no-header"})
    if (file.empty() && options.given(of_a_table))
      run::usage_error("{} is of a table: --file names one, --file - is standard input", of_a_table);
}

std::vector<text::Example> Request::examples(const run::Options& options) const {
  check_texts(options);
  if (!file.empty()) return files.read({file}, {}, false).rows;
  std::vector<text::Example> examples;
  for (const std::string& text : options.texts()) examples.push_back({.text = text});
  return examples;
}

}  // namespace model
