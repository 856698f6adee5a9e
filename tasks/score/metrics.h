// Metrics of a classifier, equal to scikit-learn's. Everything but ROC AUC is a function of the confusion matrix.
#pragma once

#include <string>
#include <vector>

#include "nn/format/json_value.h"

namespace score {

// counts[t * classes + p]: how many examples of class t were predicted as class p.
struct Confusion {
  int classes = 0;
  std::vector<long> counts;

  long at(int truth, int predicted) const { return counts[place(truth, predicted)]; }
  long& at(int truth, int predicted) { return counts[place(truth, predicted)]; }
  size_t place(int truth, int predicted) const { return size_t(truth) * size_t(classes) + size_t(predicted); }
  long support(int c) const;    // examples of class c: the sum of its row
  long predicted(int c) const;  // predictions of class c: the sum of its column
  long correct() const;         // the diagonal
  long total() const;
};
Confusion confusion_matrix(const std::vector<int>& y_true, const std::vector<int>& y_pred, int classes);
std::string to_text(const Confusion& confusion,
                    const std::vector<std::string>& names);  // rows: true, columns: predicted

// What is undefined, such as the precision of a class that was never predicted, is 0.
double accuracy(const Confusion& confusion);
double macro_f1(const Confusion& confusion);
double macro_recall(const Confusion& confusion);  // where every class occurs, what is also called balanced accuracy
double mcc(const Confusion& confusion);           // Matthews correlation, for any number of classes (Gorodkin 2004)
double cohen_kappa(const Confusion& confusion);
double quadratic_kappa(const Confusion& confusion);  // of classes in order (Cohen 1968): far off counts more

struct Scores {
  double precision = 0, recall = 0, f1 = 0;
  long support = 0;
};
struct Report {
  std::vector<std::string> names;
  std::vector<Scores> classes;  // beside names
  double accuracy = 0;
  Scores macro, weighted;
  // Whether each class occurs, in the truth or in the predictions. If not, scikit-learn (before 1.5), told these
  // labels, has "micro avg" where "accuracy" is otherwise; all other averages count the class, as a row of zeros.
  bool all_occur = true;
};
Report make_report(const Confusion& confusion, const std::vector<std::string>& names);
std::string to_text(const Report& report, int digits = 2);
// Of many classes: the totals, then those with the lowest F1. Names are shortened to lines of at most `columns`.
std::string summary_of(const Report& report, size_t worst, size_t columns, int digits = 2);
// The commonest mistakes, a line each: how many, the true class, the predicted one. Empty: there is none.
std::string confusions_of(const Confusion& confusion, const std::vector<std::string>& names, size_t most,
                          size_t columns);
nn::ordered_json to_json(const Report& report);  // what scikit-learn's output_dict=True gives

// Byte for byte scikit-learn's. Without names: the classes that occur, by their numbers.
std::string classification_report(const std::vector<int>& y_true, const std::vector<int>& y_pred,
                                  const std::vector<std::string>& names = {}, int digits = 2);

// The chance that an example of class 1 scores above one of class 0, ties counting one half.
double roc_auc(const std::vector<int>& y_true, const std::vector<double>& score);

}  // namespace score
