// Evaluation: what a model makes of labelled texts, as figures, as scikit-learn's report, and as JSON.
#pragma once

#include "tasks/model/predict.h"
#include "tasks/score/metrics.h"

namespace model {

constexpr size_t kManyClasses = 20;

bool lower_is_better(const std::string& metric);  // of loss, mse and mae

struct Evaluation {
  // {"loss": ..., then by what the head predicts: accuracy, macro_f1, macro_recall, mcc, kappa, and of two classes
  // roc_auc; accuracy, quadratic_kappa, mae, macro_f1 of ordered classes; micro_f1, macro_f1; pearson, spearman, mse,
  // mae, and where all targets are whole numbers accuracy and quadratic_kappa of the nearest one; entity_f1, accuracy,
  // macro_f1}. Null: no texts.
  nn::ordered_json figures;
  std::optional<score::Confusion> confusion;  // of a head that predicts one class
  std::optional<score::Report> report;

  bool empty() const { return figures.is_null(); }
  double value(const std::string& metric) const { return figures.at(metric).get<double>(); }
  double merit(const std::string& metric) const;  // turned so that higher is better
  std::string line() const;                       // the figures on one line
  // The report, the confusion matrix, the figures, in lines of at most `columns`. From kManyClasses on the totals, the
  // ten worst classes and the twenty commonest confusions; these also instead of a matrix that is too wide. Without
  // mistakes: no matrix, and of many classes the totals only.
  enum class Says { mistakes, totals };
  std::string text(size_t columns = 80, Says says = Says::mistakes) const;
  nn::ordered_json json() const;  // all of it
};

// Of what a head said of texts with these targets.
Evaluation evaluate(const spec::Task& task, const spec::Targets& targets, const Outputs& outputs);

// Every task of the set on one split, with a progress line of this name, if it has one.
// `outputs`, if given, gets what each task's head said.
std::vector<Evaluation> evaluate(const TextModel& model, const spec::TaskSet& set, spec::Split split,
                                 const std::string& progress = "", std::vector<Outputs>* outputs = nullptr);

}  // namespace model
