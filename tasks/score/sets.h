// Metrics of predictions that are no single class: several labels a text, numbers, entities among words. What is undefined
// is 0, as in metrics.h.
#pragma once

#include <string>
#include <vector>

namespace score {

// Several labels: truth and prediction [n][K], whether each label holds.
using LabelSets = std::vector<std::vector<bool>>;
double micro_f1(const LabelSets& y_true, const LabelSets& y_pred);  // 2 TP / (2 TP + FP + FN) over all labels together
double macro_f1(const LabelSets& y_true, const LabelSets& y_pred);  // the mean of each label's

double mean_squared_error(const std::vector<double>& y_true, const std::vector<double>& y_pred);
double pearson(const std::vector<double>& x, const std::vector<double>& y);   // correlation of the numbers
double spearman(const std::vector<double>& x, const std::vector<double>& y);  // of their ranks, ties their mean rank

// Words first ... last (one past the end) are an entity of a type.
struct Span {
  std::size_t first, last;
  std::string type;
  bool operator==(const Span&) const = default;
};
// The entities of tags B-TYPE, I-TYPE and O, as conlleval and seqeval read them: B- begins one, and so does an I- that
// does not go on with its own type.
std::vector<Span> spans_of(const std::vector<std::string>& tags);
// F1 of the entities of all texts together; one is right if its words and its type are.
double entity_f1(const std::vector<std::vector<std::string>>& y_true,
                 const std::vector<std::vector<std::string>>& y_pred);

}  // namespace score
