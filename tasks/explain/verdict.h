// The comparison of methods as figures with standard errors, and what follows from them in words.
#pragma once

#include <string>
#include <vector>

#include "nn/format/json_value.h"

namespace explain {

// A mean over texts. Its standard error is the larger one of s / sqrt(n) over the texts and over the runs' means: texts
// of one model are alike in what the model is.   Of no text NaN.
struct Mean {
  double mean = 0, error = 0;
};
Mean mean_of(const std::vector<std::vector<double>>& by_run);  // [runs][texts]

// What was measured of one order of words, a number for each text of each run.
struct Row {
  std::string name;
  std::vector<std::vector<double>> comprehensiveness = {}, sufficiency = {};  // [runs][texts]
  std::vector<std::vector<double>> order = {}, size = {};  // rank correlations with Shapley's shares, and their sizes
  long runs = 0;                                           // of the model, all texts together
};

// The rows of a comparison; `rows` has "random", "attention", "shapley" and "shapley, sizes", the order of the sizes of
// Shapley's shares: the most that can be asked of a method that does not know for and against.
inline const std::string kRandom = "random", kSizes = "shapley, sizes";
struct Comparison {
  std::vector<Row> rows;
  long texts = 0, runs = 0;
  long at_once = 0, complete = 0;  // texts whose integrated gradients add up in the steps asked for; at all
  const Row& row(const std::string& name) const;
  // What an order loses more than the random one of the same text.
  Mean gain(const Row& row) const;

  std::string table() const;
  nn::ordered_json json() const;
  // "Does attention explain? ...": an answer, and the figures that it follows from.
  std::string answer() const;
};

}  // namespace explain
