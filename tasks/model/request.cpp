// From a command line to a model and texts, and what it says of them. Read tasks/model/predict.h first.
#include "tasks/model/request.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "tasks/run/progress.h"

namespace model {

using engine::check;
using nlohmann::ordered_json;

void Request::declare(run::Options& options, bool with_labels) {
  options.add("--model", directory, "directory of a run or of a model, or the name of one that ships").required();
  reading.declare(options);
  files.declare(options, with_labels);
}

void Request::declare_texts(run::Options& options, const std::string& without) {
  options.take_texts();  // as they are
  options.footer("Other arguments are texts; without any, and without --file, " + without);
  options.add("--file", file, "file with a text column, a table or a workbook; -: standard input");
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
  std::unique_ptr<TextModel> model = load_model(ModelDirectory(directory));
  reading = Reading::settle(options, reading, model->reading);
  check_positions(reading, model->config(), directory);
  files.follow(options, columns_of(model->tasks));
  return model;
}

std::vector<text::Example> Request::examples(const run::Options& options) const {
  if (!options.texts().empty() && !file.empty()) run::usage_error("texts and --file exclude each other");
  if (!file.empty()) return files.read({file}, {}, false).rows;
  std::vector<text::Example> examples;
  for (const std::string& text : options.texts()) examples.push_back({.text = text});
  return examples;
}

namespace {

constexpr size_t kChunk = 1024;  // texts that are read together

void print_chunk(const TextModel& model, const Reading& reading, const std::vector<text::Example>& examples) {
  for (const ordered_json& line : predictions(model, examples, reading))
    fmt::print("{}\n", line.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
  check(std::fflush(stdout) == 0, "the output cannot be written");
}

void print_predictions(const TextModel& model, const Reading& reading, const std::vector<text::Example>& examples) {
  run::Progress progress("predict", long(examples.size()));
  for (size_t begin = 0; begin < examples.size(); begin += kChunk) {
    const auto end = examples.begin() + long(std::min(examples.size(), begin + kChunk));
    print_chunk(model, reading, {examples.begin() + long(begin), end});
    progress.update(end - examples.begin());
  }
  progress.interrupt();
}

void print_predictions_of_input(const TextModel& model, const Reading& reading) {
  const bool person = isatty(STDIN_FILENO);
  if (person) run::print_note("one text a line; end with Ctrl-D\n");
  std::vector<text::Example> examples;
  long bytes = 0;
  for (std::string line; std::getline(std::cin, line);) {
    text::check_text(line, "standard input", bytes);
    std::string_view text = line;
    if (bytes == 0) text::drop_byte_order_marks(text);
    bytes += long(line.size()) + 1;
    if (text.ends_with('\r')) text.remove_suffix(1);
    examples.push_back({.text = std::string(text)});
    if (examples.size() < kChunk && !person) continue;
    print_chunk(model, reading, examples);
    examples.clear();
  }
  check(!std::cin.bad(), "standard input cannot be read");
  if (!examples.empty()) print_chunk(model, reading, examples);
}

}  // namespace

void predict_command(run::Options& options, const run::Parse& parse) {
  Request given;
  given.declare(options, false);
  given.declare_texts(options, "one a line from standard input.");
  parse();
  const std::unique_ptr<TextModel> model = given.load(options);
  const std::vector<text::Example> examples = given.examples(options);
  if (options.texts().empty() && given.file.empty())
    print_predictions_of_input(*model, given.reading);
  else
    print_predictions(*model, given.reading, examples);
}

}  // namespace model
