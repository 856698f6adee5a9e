// The options of data files, and reading by them. Read tasks/text/data.h first.
#include "tasks/spec/data_options.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "tasks/run/console.h"
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
  add("--format", format, "of a text: tsv, csv or jsonl; by the file's extension if not given")
      .one_of({"tsv", "csv", "jsonl"});
  add("--delimiter", delimiter,
      "between the fields of a TSV or CSV: comma, semicolon, tab, pipe or a character; of a CSV found out if not "
      "given");
  add("--sheet", sheet, "of a workbook, .xlsx or .ods: its name, or its number from 1; the first if not given");
  add("--encoding", encoding,
      "of a text: auto, found out and said where it is a guess; or utf-8, utf-16, windows-1252, latin-1, ... (iconv "
      "-l)")
      .check(text::encoding_error);
  add("--no-header", no_header, "the first line of a TSV, CSV or sheet is data");
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

text::Examples DataOptions::read(const std::vector<std::string>& files, const text::Labels& known,
                                 bool labelled) const {
  std::vector<text::Source> sources;
  for (const std::string& file : files) {
    const auto [label, path] = labelled ? label_and_path(file) : std::pair<std::string, std::string>{"", file};
    sources.push_back(
        source(text::read_table(path, {format, !no_header, encoding, delimiter, sheet}), label, labelled));
  }
  return examples_of(sources, known);
}

text::Examples DataOptions::read_embedded(const text::Labels& given) const {
  const bool sentiment = given.empty() && !label_as_target && label_column == "label";
  const text::Labels known = sentiment ? text::Labels({"negative", "positive", "neutral"}) : given;
  text::Table table = text::parse_table(std::string(text::embedded_sentiment()), text::kSentimentCorpus);
  return examples_of({source(std::move(table), "", true)}, known);
}

}  // namespace spec
