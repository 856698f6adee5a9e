// From files to train, dev and test. Read tasks/text/data.h and tasks/spec/data_options.h first.
#include "tasks/spec/splits.h"

#include <algorithm>

#include "tasks/run/console.h"
#include "tasks/spec/findings.h"
#include "tasks/text/batches.h"

namespace spec {

using engine::check;

namespace {

// Puts the examples where their column `split` says, or, if none has one, where the seed does.
void share_out(std::vector<text::Example>& all, uint64_t seed, const text::Shares& shares, const std::string& column,
               Splits& splits) {
  const bool has_split = std::any_of(all.begin(), all.end(), [](const text::Example& e) { return !e.split.empty(); });
  check(has_split || column == DataOptions().split_column, "split_column: no column '{}' says train, dev or test",
        text::shown(column));
  if (!has_split) text::split_stratified(all, seed, shares);
  for (text::Example& e : all) {
    check(e.split == "train" || e.split == "dev" || e.split == "test",
          "{}: split '{}' is not one of train, dev, test{}", e.where, e.split,
          text::did_you_mean(e.split, {"train", "dev", "test"}));
    auto& part = e.split == "train" ? splits.train : e.split == "dev" ? splits.dev : splits.test;
    part.push_back(std::move(e));
  }
}

// Texts of dev and test that stand in train, too, make the figures look better than they are.
void report_repeats(const Splits& splits) {
  const auto count = [&](const char* name, const std::vector<text::Example>& part) {
    const long repeats = also_in(splits.train, part);
    if (repeats) run::print_note("note: {} of {}'s {} texts stand in train, too\n", repeats, name, part.size());
  };
  count("dev", splits.dev);
  if (splits.separate_test) count("test", splits.test);
}

}  // namespace

void DataFiles::declare(run::Options& options) {
  const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("Data files");
  };
  add("--data", data,
      "file with all examples, .csv, .tsv, .jsonl, .xlsx or .ods: split by its column `split` (train, dev, test), or "
      "as --split says; the embedded corpus "
      "if no file is named. Several files are read as one; LABEL=FILE, a file for each class, takes the label from "
      "here")
      .reads();
  add("--split", split,
      "TRAIN/DEV/TEST shares of --data, each label alike, by seed; without --dev, DEV is taken from --train. Without "
      "dev "
      "examples the last epoch's model is kept, not the best one's");
  add("--train", train, "files to train on").reads();
  add("--dev", dev, "files to choose the best epoch on").reads();
  add("--test", test, "files for the final figures; without them, --dev again").reads();
  how.declare(options, true);
}

std::vector<std::string> DataFiles::all() const {
  std::vector<std::string> files = data;
  for (const auto* more : {&train, &dev, &test}) files.insert(files.end(), more->begin(), more->end());
  return files;
}

std::vector<std::string> DataFiles::paths() const {
  std::vector<std::string> paths;
  for (const std::string& file : all()) paths.push_back(label_and_path(file).second);
  return paths;
}

namespace {

// What says how to share texts out, where they are shared out by nothing else.
void check_split(const DataFiles& files) {
  const DataFiles defaults;
  check(files.split == defaults.split || files.train.empty() || files.dev.empty(),
        "--split is for --data, or for --train without --dev; got {}", files.split);
  check(files.how.split_column == defaults.how.split_column || files.train.empty(),
        "split_column: is for \"data\"; \"train\", \"dev\" and \"test\" are files for each; got '{}'",
        text::shown(files.how.split_column));
}

}  // namespace

Splits load_splits(const DataFiles& files, const text::Labels& labels, uint64_t seed) {
  check(files.data.empty() || files.train.empty(), "--data and --train exclude each other");
  check(!files.train.empty() || (files.dev.empty() && files.test.empty()), "--dev and --test need --train");
  check_split(files);
  text::Shares shares = text::Shares::parse(files.split);
  Splits splits;
  if (files.train.empty()) {
    text::Examples all = files.data.empty() ? files.how.read_embedded(labels) : files.how.read(files.data, labels);
    splits.labels = all.labels;
    splits.columns = all.columns;
    share_out(all.rows, seed, shares, files.how.split_column, splits);
  } else {
    text::Examples train = files.how.read(files.train, labels);
    splits.labels = train.labels;
    splits.columns = train.columns;
    DataOptions how = files.how;
    how.take(train.columns);
    if (!files.dev.empty()) splits.dev = how.read(files.dev, splits.labels).rows;
    if (!files.test.empty()) splits.test = how.read(files.test, splits.labels).rows;
    shares = {shares.train + shares.test, files.dev.empty() ? shares.dev : 0, 0};
    text::split_stratified(train.rows, seed, shares);
    for (text::Example& e : train.rows) (e.split == "dev" ? splits.dev : splits.train).push_back(std::move(e));
  }
  splits.separate_test = !splits.test.empty();
  if (!splits.separate_test) splits.test = splits.dev;
  check(!splits.train.empty() && !splits.test.empty(),
        "training needs examples, and so does dev or test; got {} to train on, {} for dev and test",
        splits.train.size(), splits.test.size());
  report_repeats(splits);
  return splits;
}

}  // namespace spec
