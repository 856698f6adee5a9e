// The options of data files, and reading by them. Read tasks/text/data.h first.
#include "tasks/run/data_options.h"

#include <fmt/core.h>

#include <algorithm>

#include "tasks/run/program.h"
#include "tasks/text/embedded.h"

namespace run {

void DataOptions::declare(CLI::App& app, bool with_labels) {
  const char* group = "Data files";
  app.add_option("--text-column", text_column, "column of the text: a name, or a number from 1")->group(group);
  if (with_labels) {
    app.add_option("--label-column", label_column, "column of the label")->group(group);
    app.add_option(
           "--labels", labels,
           "the classes in the order of their ids: a,b,c; or value=name,...; or auto: those of the file, sorted")
        ->group(group);
  }
  app.add_option("--format", format, "tsv, csv or jsonl; by the file's extension if not given")
      ->group(group)
      ->check(CLI::IsMember({"tsv", "csv", "jsonl"}));
  app.add_option("--encoding", encoding, "utf-8 or latin-1")->group(group)->check(CLI::IsMember({"utf-8", "latin-1"}));
  app.add_flag("--no-header", no_header, "the first line of a TSV or CSV is data")->group(group);
}

text::Examples DataOptions::examples(const text::Table& table, const text::Labels& known, bool labelled) const {
  const bool has_split = std::find(table.columns.begin(), table.columns.end(), split_column) != table.columns.end();
  const text::Columns columns{text_column, labelled ? label_column : "", has_split ? split_column : ""};
  text::Examples examples = text::to_examples(table, columns, known);
  for (const text::Warning& warning : examples.warnings) print_note("warning: {}\n", text::to_string(warning));
  return examples;
}

text::Examples DataOptions::read(const std::string& path, const text::Labels& known, bool labelled) const {
  return examples(text::read_table(path, {format, !no_header, encoding}), known, labelled);
}

text::Examples DataOptions::read_embedded(const text::Labels& known) const {
  return examples(text::parse_table(std::string(text::embedded_sentiment()), text::kSentimentCorpus), known, true);
}

}  // namespace run
