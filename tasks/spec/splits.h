// The files of a task, and how their texts are shared out to train, dev and test.
#pragma once

#include "tasks/spec/data_options.h"

namespace spec {

// One file or several that are shared out, or files for each purpose; without any the embedded corpus.
struct DataFiles {
  std::vector<std::string> data, train, dev, test;  // files, or LABEL=FILE
  std::string split = "80/10/10";
  DataOptions how;  // columns, format, encoding

  void declare(run::Options& options);
  std::vector<std::string> all() const;
  std::vector<std::string> paths() const;  // the same without LABEL=
};

struct Splits {
  std::vector<text::Example> train, dev, test;
  text::Labels labels;
  text::Columns columns;
  bool separate_test = true;  // false: test is dev again
};

// Where a file has no column `split`, its texts are shared out by seed, each label alike. `labels`: empty, those of the
// data. Texts of dev and test that stand in train, too, are counted on the screen.
// Error: nothing to train on, or neither dev nor test.
Splits load_splits(const DataFiles& files, const text::Labels& labels, uint64_t seed);

}  // namespace spec
