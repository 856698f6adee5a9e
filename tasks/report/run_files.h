// What runs leave on disk, read back: settings, curves, figures, costs, predictions.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base.h"
#include "nn/format/json_value.h"

namespace report {

struct Point {
  double step = 0, value = 0;
};
struct Curve {
  std::string name;  // "train/loss", "dev/macro_f1"
  std::vector<Point> points;
};

// A text of predictions.jsonl. Classes are places in the labels; of numbers they are -1, and there are no scores.
struct Prediction {
  std::string where, text, pair;
  int label = -1, predicted = -1;
  double number = 0, predicted_number = 0;
  std::vector<double> scores;  // [K]
};
struct Predictions {
  std::vector<std::string> labels;  // empty: numbers are predicted
  std::vector<Prediction> rows;
  std::vector<bool> right() const;
  std::vector<int> truth() const;
  std::vector<int> predicted() const;
};

struct RunFiles {
  std::string path, name;  // the name: the last part of the path, or the path where others have the same
  std::string id;
  std::vector<std::pair<std::string, std::string>> settings;  // by name; of an option on several lines all values
  std::vector<Curve> curves;
  nn::ordered_json result, cost;           // null: the run has not ended
  std::optional<Predictions> predictions;  // of classifiers and regressions
  std::vector<std::string> tasks;          // that have predictions, of a run of several
  std::string setting(const std::string& name) const;
  const Curve* curve(const std::string& name) const;
};

std::vector<std::string> files_of(const std::string& path);  // what is read of it, whether it is there or not

// Error: not a run's directory; FILE:LINE: what is wrong. A last line of a log that is being written is left out.
// `task`: whose predictions, of a run of several tasks. Error: it has none of that task, with those that it has.
RunFiles read_run(const std::string& path, const std::string& task = "");
std::vector<RunFiles> read_runs(const std::vector<std::string>& paths,
                                const std::string& task = "");  // with names that tell them apart

}  // namespace report
