// What the metrics share: a quotient that is 0 where it is undefined, and F1 out of counts.
#pragma once

#include <vector>

#include "engine/base.h"

namespace score {

inline double ratio(double part, double whole) { return whole == 0 ? 0 : part / whole; }

// True positives, false positives and false negatives.
struct Hits {
  long tp = 0, fp = 0, fn = 0;
  void add(const Hits& h) {
    tp += h.tp;
    fp += h.fp;
    fn += h.fn;
  }
  double f1() const { return ratio(2. * double(tp), double(2 * tp + fp + fn)); }  // 2 TP / (2 TP + FP + FN)
};

template <class T>
void check_pairs(const char* metric, const std::vector<T>& y_true, const std::vector<T>& y_pred) {
  engine::check(y_true.size() == y_pred.size() && !y_true.empty(), "{}: a prediction for every truth; got {} for {}",
                metric, y_pred.size(), y_true.size());
}

}  // namespace score
