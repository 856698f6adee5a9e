// Calibration: what a classifier's probabilities are worth, measured on texts that it has not learned from. The
// directory keeps it, and whatever asks the model uses it: the temperature always, the rest where it is wanted.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "nn/format/json_value.h"
#include "tasks/spec/tasks.h"

namespace model {

struct TextModel;

// Of one head that predicts one of K classes by softmax.
struct Calibration {
  // What the model said of one text, by softmax(x / temperature): the probability of the class that it has, the
  // largest: equal where that class is said, the first of equals; a hair less where it stands behind the one that is.
  struct Text {
    int label = 0;
    double own = 0, largest = 0;
  };
  int classes = 0;
  double temperature = 1;  // score::best_temperature; 1 where too little is known (below)
  std::vector<Text> texts;

  // The least ambiguous conformal sets (tasks/score/refusal.h): class c is in the set where 1 - p_c <= threshold. They
  // hold the class of a new text like these with the probability `coverage`, on the average over calibrations; by
  // class, of each class's texts. Temperature and sets are of the same texts: one number moves neither much.
  // Error: coverage outside of (0, 1).    -> []; [K]: infinite where the class has too few texts, or none
  double threshold(double coverage) const;
  std::vector<double> thresholds_by_class(double coverage) const;

  // The least probability that has to be reached so that of what is left `accuracy` are right, as many as can be:
  // chosen on these texts, so the share that it answers (`coverage`) and what is right of it is known of these.
  // coverage 0: not even the surest are. Error: accuracy outside of (0, 1).
  struct Refusal {
    double threshold = 0, coverage = 0, accuracy = 0;
  };
  Refusal refusal(double accuracy) const;
};

// Of logits [n, K] and classes [n], n > 0. With fewer than kFewestTexts texts, or kFewestWrong wrong ones, the
// temperature stays 1: without a mistake the best one would be 0.
constexpr long kFewestTexts = 30, kFewestWrong = 5;
Calibration calibration_of(const engine::Tensor& logits, const std::vector<int>& labels);

// softmax(x / T), the very path of predict().    [n, K] -> [n, K]
engine::Tensor calibrated(const engine::Tensor& logits, double T);

// Whether a head has a temperature: one class a text, by softmax.
bool calibrates(const spec::TaskSpec& task);

// Measures every such head on the texts that the set has for it there, as if nothing had been known; heads without
// texts lose what was known. What was found is said in a line each.
void calibrate(TextModel& model, const spec::TaskSet& set, spec::Split split);

// The file: {"format": 1, "heads": {NAME: {"temperature": T, "classes": [...], "label": [...], "own": [...],
// "largest": [...]}}}, the name "" where a model's only task has none. Of a directory without it nothing is known.
// Error: of another format; of heads or classes that the model has not; numbers that cannot be. What it says of a head
// whose place a vector or tags have taken is left aside.
constexpr const char* kCalibrationFile = "calibration.json";
using Calibrations = std::vector<std::optional<Calibration>>;  // one a head
Calibrations read_calibrations(const std::string& directory, const TextModel& model);
// Writes what the model knows; of a model that knows nothing, an old file is removed: it was of other weights.
void write_calibrations(const TextModel& model, const std::string& directory);

// How far confidence can be trusted on texts with these classes, of probabilities p [n][K]:
//   ece          score::ece in kBins bins of one width, and what a perfectly calibrated model of this size would show
//   brier, aurc  tasks/score/confidence.h, refusal.h: the area under the risk by coverage, and the least possible
//   accuracy_at  of the surest 80, 90 and 95 %           coverage_95  the largest share of which 95 % are right
constexpr int kBins = 15;
struct Certainty {
  double ece = 0, ece_of_a_perfect_model = 0, brier = 0, aurc = 0, least_aurc = 0;
  double accuracy_at[3] = {}, coverage_95 = 0;
  std::string text() const;  // a few lines
  nn::ordered_json json() const;
};
Certainty certainty_of(const std::vector<std::vector<double>>& p, const std::vector<int>& labels);

}  // namespace model
