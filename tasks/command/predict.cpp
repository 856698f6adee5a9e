// Rows in blocks, from a file to a file. Read tasks/model/answers.h and tasks/command/prediction_file.h first.
#include "tasks/command/predict.h"

#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "tasks/attribution/words.h"
#include "tasks/command/prediction_file.h"
#include "tasks/model/request.h"
#include "tasks/run/directory.h"
#include "tasks/run/fingerprint.h"
#include "tasks/run/progress.h"
#include "tasks/text/table_blocks.h"

namespace command {

using engine::check;
using model::Answer;
using model::TextModel;
using nn::ordered_json;

namespace {

// Rows read together: whole batches, so that a row is in the same batch wherever the blocks end.
constexpr long kRows = 32 * model::kEvaluationBatch;

struct Predict {
  model::Request given;
  model::AnswerOptions saying;
  std::string out;
  bool resume = false, why = false;
  std::unique_ptr<TextModel> model;
  std::vector<long> refused = {};  // of every head, how many texts have no label
  long cut = 0;                    // texts whose ends were not read

  void declare(run::Options& options);
  void settle(const run::Options& options);
  bool lines(const run::Options& options) const { return options.texts().empty() && given.file.empty(); }
  std::string settings() const;
  std::unique_ptr<PredictionFile> open(const text::Table& table, char separator) const;
  std::vector<text::Example> examples(text::Table block, bool as_texts, std::vector<text::Warning>& warnings);
  // Those of the first `known` texts are not counted.
  std::vector<std::vector<Answer>> answer(const std::vector<text::Example>& examples, size_t known);
  std::vector<model::Cell> cells(const std::vector<Answer>& answers) const {
    return model::cells_of(*model, answers, saying, why);
  }
  void print(const std::vector<text::Example>& examples, const std::vector<std::vector<Answer>>& answers) const;
  void report(const text::Table& last, const std::vector<text::Warning>& warnings, long rows) const;
  void report(const PredictionFile& file, long rows, long before) const;

 private:
  bool columns_found_ = false;
  std::vector<std::vector<std::vector<attribution::WordShare>>> shares_;  // [head][text], if asked why
};

void Predict::declare(run::Options& options) {
  given.declare(options, false);
  given.declare_texts(options, "one a line from standard input. A file of `-` is standard input as a table; --format.");
  saying.declare(options);
  options.add("--why", why, "also the words that carried the decision: in colour on a terminal, else as `why`")
      .group("What is said");
  options
      .add("--out", out,
           "write to this .csv, .tsv or .jsonl instead of the screen: all columns of the input, and behind them label, "
           "probability, second label and its probability")
      .writes()
      .group("What is said");
  options.add("--resume", resume, "go on after the last row of FILE.part, which a run with this --out has left")
      .group("What is said");
}

void Predict::settle(const run::Options& options) {
  given.check_texts(options);
  if (resume && out.empty()) run::usage_error("--resume goes on with a file; name it with --out");
  if (!out.empty()) PredictionFile::kind_of(out);
  model = given.load(options);
  model->net.params.freeze("*");
  saying.settle(options, *model);
  saying.digits = 4;
  refused.resize(model->tasks.size());
}

// All that decides what is said of a text.
std::string Predict::settings() const {
  run::Fingerprint all;
  all.add_values("model", model->net.params.tensors());
  for (const spec::TaskSpec& task : model->tasks) all.add("model", task.json().dump());
  for (const std::string& piece : model->tokenizer.pieces()) all.add("model", piece);
  all.add("--max-length", std::to_string(given.reading.max_length)).add("--long", given.reading.too_long);
  all.add("--text-column", given.files.text_column).add("--pair-column", given.files.pair_column);
  all.add("--top", std::to_string(saying.top)).add("--threshold", fmt::format("{}", saying.threshold.value_or(-1)));
  for (size_t h = 0; h < model->tasks.size(); ++h) {
    const double T = model->calibrations[h] ? model->calibrations[h]->temperature : 1;
    all.add("calibration",
            fmt::format("{} {} {}", T, saying.least(h).value_or(-1), fmt::join(saying.strangest(h), " ")));
  }
  return all.add("--none", saying.none).add("--why", why ? "yes" : "no").text();
}

std::unique_ptr<PredictionFile> Predict::open(const text::Table& table, char separator) const {
  const std::vector<std::string> columns = model::columns_of(*model, saying, why);
  auto file = std::make_unique<PredictionFile>(out, table, columns, separator, settings(), resume);
  for (size_t c = 0; c < columns.size(); ++c)
    if (file->predicted()[c] != columns[c])
      run::print_note("note: there is a column '{}' already; the predicted one is '{}'\n", columns[c],
                      file->predicted()[c]);
  if (resume && !file->resumed()) run::print_note("note: there is no {}.part to resume: all rows are predicted\n", out);
  return file;
}

std::vector<text::Example> Predict::examples(text::Table block, bool as_texts, std::vector<text::Warning>& warnings) {
  block.warnings.clear();  // they are said once, at the end
  if (!as_texts) {
    if (!std::exchange(columns_found_, true)) given.files.find_columns(block, false);
    text::Examples read = given.files.unlabelled(std::move(block));
    for (const text::Warning& warning : read.warnings) text::add_warning(warnings, warning);
    return std::move(read.rows);
  }
  text::Source texts{std::move(block), {}};
  texts.columns.text = "1";
  texts.columns.label.clear();
  return text::to_examples({texts}).rows;
}

std::vector<std::vector<Answer>> Predict::answer(const std::vector<text::Example>& examples, size_t known) {
  const text::EncodedSet set = text::encode(examples, model->tokenizer, given.reading.max_length, given.reading.how());
  if (given.reading.how() == text::TooLong::cut) cut += set.too_long;
  std::vector<std::vector<Answer>> all = model::answers(*model, examples, set, saying);
  shares_.clear();
  for (size_t h = 0; why && h < model->tasks.size(); ++h) {
    engine::Indices classes;
    for (const auto& answers : all) classes.push_back(answers[h].best);
    shares_.push_back(attribution::word_shares(*model, h, examples, set, classes));
    for (size_t i = 0; i < all.size(); ++i) all[i][h].why = attribution::strongest(shares_[h][i]);
  }
  for (size_t i = known; i < all.size(); ++i)
    for (size_t h = 0; h < refused.size(); ++h) refused[h] += all[i][h].said.empty();
  return all;
}

void Predict::print(const std::vector<text::Example>& examples, const std::vector<std::vector<Answer>>& answers) const {
  const bool person = why && isatty(STDOUT_FILENO);
  for (size_t i = 0; i < examples.size(); ++i) {
    if (!person) {
      const ordered_json line = model::to_json(*model, examples[i], answers[i], saying);
      fmt::print("{}\n", line.line());
      continue;
    }
    for (size_t h = 0; h < model->tasks.size(); ++h) {
      std::string said = model->named() ? model->tasks[h].name + "  " : "";
      for (const model::Cell& cell : model::cells_of(model->tasks[h], answers[i][h], saying)) said += cell.text + "  ";
      fmt::print("{}\n", said);
      for (const auto* text : {&examples[i].text, &examples[i].pair})
        if (const bool second = text == &examples[i].pair; !second || !text->empty())
          fmt::print("  {}\n", attribution::marked(*text, shares_[h][i], attribution::marks_of_output(), 0, second));
    }
  }
  check(std::fflush(stdout) == 0, "the output cannot be written");
}

void Predict::report(const text::Table& last, const std::vector<text::Warning>& warnings, long rows) const {
  for (const text::Warning& warning : last.warnings) run::print_note("warning: {}\n", text::to_string(warning));
  for (const text::Warning& warning : warnings) run::print_note("warning: {}\n", text::to_string(warning));
  if (cut)
    run::print_note("note: {} of {} texts are cut to {} tokens, their ends are not read; --long window reads all\n",
                    cut, rows, given.reading.max_length);
  for (size_t h = 0; h < refused.size(); ++h)
    if (saying.least(h) && (model->tasks[h].one_class() || model->tasks[h].head == nn::Predicts::labels))
      run::print_note("{}{} of {} texts ({:.1f} %) have no label of probability {:.4g} or more\n",
                      model->named() ? model->tasks[h].name + ": " : "", refused[h], rows,
                      rows ? 100 * double(refused[h]) / double(rows) : 0.0, *saying.least(h));
}

void Predict::report(const PredictionFile& file, long rows, long before) const {
  if (file.shortened())
    run::print_note("note: {} cells had {}, which a {} cannot hold; they are blanks there\n", file.shortened(),
                    out.ends_with(".tsv") ? "tabs, line ends or NULs" : "NULs", out.substr(out.rfind('.')));
  run::print_note("{}: {} rows{}, with {} behind their own columns\n", out, rows,
                  before ? fmt::format(" ({} of them from before)", before) : "", text::listed(file.predicted()));
}

// The rows of arguments, of a file or of standard input, a block at a time.
class Rows {
 public:
  Rows(const Predict& command, const run::Options& options) : as_texts_(command.given.file.empty()) {
    if (!options.texts().empty()) {
      arguments_.path = "arguments";
      arguments_.columns = {"text"};
      for (const std::string& text : options.texts()) arguments_.rows.push_back({text});
      arguments_.lines.resize(arguments_.rows.size());
      return;
    }
    person_ = as_texts_ && isatty(STDIN_FILENO);
    if (person_) run::print_note("one text a line; end with Ctrl-D\n");
    text::TableOptions how = command.given.files.table_options();
    if (as_texts_) how = text::TableOptions();
    if (as_texts_) how.format = "txt";
    how.keep_objects = command.out.empty() || PredictionFile::kind_of(command.out) == PredictionFile::Kind::jsonl;
    blocks_ = std::make_unique<text::TableBlocks>(as_texts_ ? "-" : command.given.file, how,
                                                  person_ && command.out.empty() ? 1 : kRows);
  }

  bool next() { return blocks_ ? blocks_->next() : !std::exchange(ended_, true); }
  const text::Table& table() const { return blocks_ ? blocks_->table() : arguments_; }
  char separator() const { return blocks_ && blocks_->format() == "csv" ? blocks_->separator() : '\0'; }
  long total() const { return blocks_ ? blocks_->total().value_or(-1) : long(arguments_.rows.size()); }
  bool as_texts() const { return as_texts_; }
  bool person() const { return person_; }

 private:
  bool as_texts_, person_ = false, ended_ = false;
  text::Table arguments_;
  std::unique_ptr<text::TableBlocks> blocks_;
};

}  // namespace

void predict(run::Options& options, const run::Parse& parse) {
  Predict command;
  command.declare(options);
  parse();
  command.settle(options);
  Rows rows(command, options);
  std::unique_ptr<PredictionFile> file;
  run::Progress progress("predict", rows.total(), 0, "rows");
  std::vector<text::Warning> warnings;
  long done = 0, before = 0;
  while (rows.next()) {
    const text::Table& block = rows.table();
    std::vector<text::Example> examples = command.examples(block, rows.as_texts(), warnings);
    if (!command.out.empty() && !file) file = command.open(block, rows.separator());
    const long there = file ? file->there(block) : 0, n = long(examples.size());
    before += there;
    done += n;
    if (there == n) {
      progress.begin_at(done);
      continue;
    }
    const long first = there / model::kEvaluationBatch * model::kEvaluationBatch;  // where the batch begins
    examples.erase(examples.begin(), examples.begin() + first);
    const auto answers = command.answer(examples, size_t(there - first));
    if (!rows.person()) progress.update(done);
    if (!file) {
      progress.interrupt();
      command.print(examples, answers);
      continue;
    }
    for (long i = there; i < n; ++i) file->append(block, size_t(i), command.cells(answers[size_t(i - first)]));
    file->flush();
  }
  progress.interrupt();
  command.report(rows.table(), warnings, done - before);
  if (command.out.empty()) return;
  if (!file) file = command.open(rows.table(), rows.separator());
  file->finish();
  command.report(*file, done, before);
}

}  // namespace command
