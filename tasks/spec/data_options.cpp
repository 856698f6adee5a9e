// The options of data files, and reading by them. Read tasks/text/data.h first.
#include "tasks/spec/data_options.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "tasks/run/console.h"
#include "tasks/spec/columns.h"
#include "tasks/text/embedded.h"
#include "tasks/text/encoding.h"

namespace spec {

void DataOptions::declare(run::Options& options, bool with_labels) {
  const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("Data files");
  };
  add("--text-column", text_column, "column of the text: a name, or a number from 1");
  add("--pair-column", pair_column, "column of a second text, read behind the first; none if not given");
  if (with_labels) {
    add("--rationale-column", rationale_column,
        "column of passages of the text, | between them, that explain the label; training draws attention to them");
    add("--label-column", label_column, "column of the label");
    add("--labels", labels,
        "the classes in the order of their ids: a,b,c; or value=name,...; or auto: those of the file, sorted");
  }
  // A command without labels may have its texts from elsewhere: there Request::check_texts() says this.
  const auto of_files = [&](run::Option& option) -> run::Option& {
    return with_labels ? option.only_with("--data").only_with("--train").only_with("FILE") : option;
  };
  of_files(
      add("--format", format,
          "of a text: tsv, csv, jsonl, or txt, one text a line; by the file's extension if not given, .txt being tsv"))
      .one_of({"tsv", "csv", "jsonl", "txt"});
  of_files(add("--delimiter", delimiter,
               "between the fields of a TSV or CSV: comma, semicolon, tab, pipe or a character; of a CSV found out if "
               "not given"));
  of_files(
      add("--sheet", sheet, "of a workbook, .xlsx or .ods: its name, or its number from 1; the first if not given"));
  of_files(add("--encoding", encoding,
               "of a text: auto, found out and said where it is a guess; or utf-8, utf-16, windows-1252, latin-1, ... "
               "(iconv -l)"))
      .check(text::encoding_error);
  of_files(add("--no-header", no_header, "the first line of a TSV, CSV or sheet is data"));
}

namespace {

text::Examples examples_of(const std::vector<text::Source>& sources, const text::Labels& known) {
  text::Examples examples = text::to_examples(sources, known);
  for (const text::Warning& warning : examples.warnings) run::print_note("warning: {}\n", text::to_string(warning));
  return examples;
}

}  // namespace

std::pair<std::string, std::string> label_and_path(const std::string& file) {
  const size_t equals = file.find('=');
  if (equals == std::string::npos || std::filesystem::exists(file)) return {"", file};
  return {file.substr(0, equals), file.substr(equals + 1)};
}

text::Source DataOptions::source(text::Table table, const std::string& every_label, bool labelled) const {
  const bool has_split = std::find(table.columns.begin(), table.columns.end(), split_column) != table.columns.end();
  return {std::move(table),
          {.text = text_column,
           .label = labelled && !label_as_target ? label_column : "",
           .split = has_split ? split_column : "",
           .pair = pair_column,
           .rationale = labelled ? rationale_column : "",
           .target = labelled && label_as_target ? label_column : "",
           .every_label = every_label}};
}

void DataOptions::follow(const run::Options& options, const DataOptions& recorded) {
  const std::vector<std::string> names = options.names();
  const auto given = [&](const std::string& name) { return std::ranges::count(names, name) && options.given(name); };
  const auto follow = [&](const char* option, std::string& mine, const std::string& theirs, const char* what) {
    if (!given(option))
      mine = theirs;
    else if (mine != theirs && !theirs.empty())
      run::print_note("note: column '{}' is read as the {}; the model was made with '{}'\n", text::shown(mine), what,
                      text::shown(theirs));
  };
  follow("--text-column", text_column, recorded.text_column, "text");
  follow("--pair-column", pair_column, recorded.pair_column, "second text");
  follow("--label-column", label_column, recorded.label_column, "label");
  if (!given("--text-column")) recorded_text = text_column;
  if (!given("--label-column")) recorded_label = label_column;
  if (!given("--delimiter")) recorded_delimiter = recorded.delimiter;
  if (!given("--no-header")) no_header = recorded.no_header;
}

void DataOptions::take(const text::Columns& columns) {
  text_column = columns.text;
  const std::string& label = label_as_target ? columns.target : columns.label;
  if (!label.empty()) label_column = label;
}

void DataOptions::find_columns(const text::Table& table, bool labelled) {
  const DataOptions defaults;
  const auto has = [&](const std::string& name) {
    const size_t number = engine::parse_number<size_t>(name).value_or(0);
    return std::find(table.columns.begin(), table.columns.end(), name) != table.columns.end() ||
           (number >= 1 && number <= table.columns.size());
  };
  std::vector<std::string> taken{pair_column, split_column, rationale_column}, said;
  const auto find = [&](Role role, std::string& column, const std::string& by_default, const std::string& recorded) {
    const bool named = column != by_default && column != recorded;
    if (!named && !has(column)) {
      column = guess_column(table, role, column, taken);
      if (table.hint.empty())
        said.push_back(
            fmt::format("{} are column '{}'", role == Role::text ? "the texts" : "the labels", text::shown(column)));
    }
    taken.push_back(column);
  };
  if (labelled && has(label_column)) taken.push_back(label_column);
  find(Role::text, text_column, defaults.text_column, recorded_text);
  if (labelled) find(Role::label, label_column, defaults.label_column, recorded_label);
  if (!said.empty())
    run::print_note("note: {}: {}, as it seems\n", table.path, fmt::format("{}", fmt::join(said, ", ")));
}

text::Examples DataOptions::read(const std::vector<std::string>& files, const text::Labels& known,
                                 bool labelled) const {
  std::vector<text::Source> sources;
  DataOptions how = *this;
  for (const std::string& file : files) {
    const auto [label, path] = labelled ? label_and_path(file) : std::pair<std::string, std::string>{"", file};
    text::Table table = text::read_table(path, table_options());
    if (sources.empty()) how.find_columns(table, labelled && label.empty());
    sources.push_back(how.source(std::move(table), label, labelled));
  }
  return examples_of(sources, known);
}

text::Examples DataOptions::unlabelled(text::Table block) const {
  return text::to_examples({source(std::move(block), "", false)});
}

text::Examples DataOptions::read_embedded(const text::Labels& given) const {
  const bool sentiment = given.empty() && !label_as_target && label_column == "label";
  const text::Labels known = sentiment ? text::Labels({"negative", "positive", "neutral"}) : given;
  text::Table table = text::parse_table(std::string(text::embedded_sentiment()), text::kSentimentCorpus);
  DataOptions how = *this;  // it has columns of its own, whatever a model was made with
  if (!recorded_text.empty()) how.text_column = DataOptions().text_column;
  if (!recorded_label.empty()) how.label_column = DataOptions().label_column;
  return examples_of({how.source(std::move(table), "", true)}, known);
}

}  // namespace spec
