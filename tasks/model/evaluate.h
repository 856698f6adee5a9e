// Evaluation: what a model makes of labelled texts, as figures, as scikit-learn's report, and as JSON.
#pragma once

#include "tasks/model/predict.h"
#include "tasks/score/metrics.h"

namespace model {

struct Evaluation {
  // {"loss": ..., then by what the head predicts: accuracy, macro_f1, macro_recall, mcc, kappa, and of two classes
  // roc_auc; accuracy, quadratic_kappa, mae, macro_f1 of ordered classes; micro_f1, macro_f1; pearson, spearman, mse,
  // mae, and where all targets are whole numbers accuracy and quadratic_kappa of the nearest one; entity_f1, accuracy,
  // macro_f1}. Null: no texts.
  nlohmann::ordered_json figures;
  std::optional<score::Confusion> confusion;  // of a head that predicts one class
  std::optional<score::Report> report;

  bool empty() const { return figures.is_null(); }
  double value(const std::string& metric) const { return figures.at(metric).get<double>(); }
  double merit(const std::string& metric) const;  // turned so that higher is better
  std::string line() const;                       // the figures on one line
  std::string text() const;                       // the report, the confusion matrix, the figures
  nlohmann::ordered_json json() const;            // all of it
};

// Of what a head said of texts with these targets.
Evaluation evaluate(const spec::Task& task, const spec::Targets& targets, const Outputs& outputs);

// Every task of the set on one split, with a progress line of this name, if it has one.
std::vector<Evaluation> evaluate(const TextModel& model, const spec::TaskSet& set, spec::Split split,
                                 const std::string& progress = "");

}  // namespace model
