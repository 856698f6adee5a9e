// How a data file is read, as options of every program that reads one.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "tasks/text/data.h"

namespace run {

struct DataOptions {
  std::string text_column = "text", label_column = "label", split_column = "split";
  std::string labels = "negative,positive,neutral";
  std::string format, encoding = "utf-8";
  bool no_header = false;

  void declare(CLI::App& app, bool with_labels);

  // The examples of a file, its warnings printed. Without `labels` the label column need not exist.
  text::Examples read(const std::string& path, const text::Labels& labels, bool labelled = true) const;
  text::Examples read_embedded(const text::Labels& labels) const;

 private:
  text::Examples examples(const text::Table& table, const text::Labels& labels, bool labelled) const;
};

// train, dev and test, from files of their own or from one file with a split column or by seed.
struct Splits {
  std::vector<text::Example> train, dev, test;
  text::Labels labels;
  bool separate_test = true;  // false: test is dev again
};

}  // namespace run
