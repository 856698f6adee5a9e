// How a data file is read, as options of every program that reads one.
#pragma once

#include <string>
#include <vector>

#include "tasks/text/data.h"

namespace run {
class Options;
}

namespace spec {

struct DataOptions {
  std::string text_column = "text", pair_column, rationale_column, label_column = "label", split_column = "split";
  std::string labels = "auto";  // those of the data; of the embedded corpus negative, positive, neutral
  std::string format, encoding = "auto", delimiter, sheet;
  bool no_header = false;
  bool label_as_target = false;  // no option: the label column is no class but a target, kept as it stands
  std::string recorded_text, recorded_label, recorded_delimiter;  // no options: see follow()

  void declare(run::Options& options, bool with_labels);

  // What the options do not say of columns, delimiter and header is as a model was made with; where an option says
  // otherwise, a line says so.
  void follow(const run::Options& options, const DataOptions& recorded);
  // Of what a read has found out: the columns by name.
  void take(const text::Columns& columns);

  // The examples of all files together, with their warnings printed. With labels a file may be given as LABEL=FILE: all
  // that it holds has this label. Without them the label column need not exist.
  text::Examples read(const std::vector<std::string>& files, const text::Labels& labels, bool labelled = true) const;
  text::Examples read_embedded(const text::Labels& labels) const;

  // The same for who reads a file in blocks: how, and the examples of a block, without labels.
  text::TableOptions table_options() const {
    return {format, !no_header, encoding, delimiter, sheet, delimiter.empty() ? recorded_delimiter : ""};
  }
  text::Examples unlabelled(text::Table block) const;

  // Names the columns that nobody has named, those of their default names and those that a model recorded, by a table
  // that does not have them; a line says which. Error: it is not clear.
  void find_columns(const text::Table& table, bool labelled);

 private:
  text::Source source(text::Table table, const std::string& every_label, bool labelled) const;
};

// LABEL=FILE in two, unless a file has this very name: then, and without a label, the first is empty.
std::pair<std::string, std::string> label_and_path(const std::string& file);

}  // namespace spec
