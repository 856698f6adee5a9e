// Groups: for whom a yes-or-no decision is right, and how far apart the groups are. The figures are fairlearn's (0.14).
#pragma once

#include <map>
#include <string>
#include <vector>

namespace score {

// What came of a group's texts, and its rates:
//   selection_rate (TP + FP) / n   tpr TP / P   fpr FP / N   tnr 1 - fpr   fnr 1 - tpr   precision TP / (TP + FP)
// What is undefined is 0, as the tpr, and the fnr, of a group without positives: show the counts beside it.
struct Decisions {
  long tp = 0, fp = 0, fn = 0, tn = 0;
  long count() const { return tp + fp + fn + tn; }
  long positives() const { return tp + fn; }
  long negatives() const { return fp + tn; }
  long selected() const { return tp + fp; }
  double accuracy() const;
  double selection_rate() const;
  double tpr() const;
  double fpr() const;
  double tnr() const;
  double fnr() const;
  double precision() const;
  double f1() const;
};
Decisions decisions_of(const std::vector<int>& y_true, const std::vector<int>& y_pred);  // 0 or 1, each
std::map<std::string, Decisions> by_group(const std::vector<int>& y_true, const std::vector<int>& y_pred,
                                          const std::vector<std::string>& group);

// How far one figure v_g of the groups is apart, from each other or from the whole's, v:
//   between_groups   max v_g - min v_g          min v_g / max v_g
//   to_overall       max |v_g - v|              min over g of the smaller of v_g / v and v / v_g
// A quotient 0 / 0 is not a number.
struct Gap {
  double difference = 0, ratio = 1;
};
Gap between_groups(const std::vector<double>& of_groups);
Gap to_overall(const std::vector<double>& of_groups, double overall);

// Named gaps (Hardt, Price, Srebro 2016): demographic parity is that of selection_rate, equal opportunity that of tpr;
// equalised odds join tpr and fpr by the worse of both or by their mean; a ratio of b that is not a number is left out,
// of a only from the mean, as in fairlearn.
Gap worse_of(const Gap& a, const Gap& b);
Gap mean_of(const Gap& a, const Gap& b);

}  // namespace score
