// Metrics of several labels a text. What is undefined is 0, as in metrics.h.
#pragma once

#include <vector>

namespace score {

using LabelSets = std::vector<std::vector<bool>>;  // truth or prediction [n][K]: whether each label holds

double micro_f1(const LabelSets& y_true, const LabelSets& y_pred);  // 2 TP / (2 TP + FP + FN) over all labels together
double macro_f1(const LabelSets& y_true, const LabelSets& y_pred);  // the mean of each label's

}  // namespace score
