// The worst mistakes of a run, and where its model looked.
#pragma once

#include <string>
#include <vector>

#include "tasks/report/run_files.h"

namespace report {

// Places in the predictions: of labels the wrong ones, the surest first; of numbers those furthest off.
std::vector<size_t> worst(const Predictions& predictions, size_t most);

// A word of a text with its share of the attention, the mean over the heads of the last layer: of the first token, or
// of the heads' own queries. [CLS] and [SEP] have the rest.
struct Word {
  bool second = false;        // of the second text
  size_t begin = 0, end = 0;  // its bytes
  double share = 0;
};
// Of each of these texts by the model in RUN/best; of a text that is read through windows the first one. Error: there
// is no model that can be loaded.
std::vector<std::vector<Word>> attention_of(const std::string& run, const std::vector<Prediction>& texts);

}  // namespace report
