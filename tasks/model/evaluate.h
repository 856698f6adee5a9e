// Evaluation: what a model makes of labelled texts, as figures, as scikit-learn's report, and as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "tasks/model/text_model.h"
#include "tasks/score/metrics.h"

namespace model {

struct Evaluation {
  score::Confusion confusion;
  score::Report report;
  nlohmann::ordered_json figures;  // loss, accuracy, macro_f1, macro_recall, mcc, kappa; roc_auc for two classes

  double value(const std::string& metric) const;  // of a figure, turned so that higher is better
  std::string line() const;                       // the figures on one line
  std::string text() const;                       // the report, the confusion matrix, the figures
  nlohmann::ordered_json json() const;            // all of it
};

constexpr int kEvaluationBatch = 32;
Evaluation evaluate(TextModel& model, const text::EncodedSet& set, const std::string& name);  // with a progress line

// The texts of a set as ids; a line on stderr says how many, how long, how many were cut, and the shares of the labels.
text::EncodedSet encode_and_report(const std::string& name, const std::vector<text::Example>& examples,
                                   const TextModel& model, int max_length, text::TooLong how = text::TooLong::cut);

}  // namespace model
