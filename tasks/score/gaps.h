// Gaps of a classifier of K classes between groups of texts, each class against the rest, with what chance does to
// them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tasks/score/groups.h"
#include "tasks/score/metrics.h"
#include "tasks/score/proportions.h"

namespace score {

// Texts by group: group [n] is a place in `names`, sorted; truth and prediction [n] are classes 0 ... K - 1.
struct Grouped {
  std::vector<std::string> names;
  std::vector<int> group, y_true, y_pred;
  int classes = 0;
  Grouped() = default;
  Grouped(const std::vector<std::string>& group_of_text, std::vector<int> y_true, std::vector<int> y_pred, int classes);
  std::vector<Confusion> by_group() const;                              // of all texts, beside names
  std::vector<Confusion> by_group(const std::vector<int>& rows) const;  // of these, any of them several times
};

// Class c against all others.
Decisions one_against_rest(const Confusion& confusion, int c);

// A rate is estimable where at least kFewest texts are behind it: tpr positives, fpr negatives, selection_rate all.
constexpr long kFewest = 5;
enum class Parity { demographic, opportunity, odds };  // of selection_rate; of tpr; the worse of tpr's and fpr's
std::string name_of(Parity parity);

// The largest difference between two groups over all classes (of two classes: of the second one), and where it is.
// Groups whose rate is not estimable are left out of it; nothing where fewer than two remain, of every class.
struct WorstGap {
  double difference = 0;
  int of_class = 0;
};
std::optional<WorstGap> worst_gap(const std::vector<Confusion>& by_group, Parity parity, long fewest = kFewest);

// Its interval by resampling texts and taking the whole - rates, differences, the largest of them - anew each time
// (Efron, Tibshirani 1993), over the groups that were estimable of all texts. A largest difference is never below 0,
// and chance alone makes one: `by_chance` is what it is on the average where groups are dealt out again, among all
// texts (demographic) or among texts of one class.
struct GapReport {
  std::optional<WorstGap> gap;
  Bounds interval;
  double by_chance = 0;
};
GapReport gap_report(const Grouped& texts, Parity parity, int resamples = 1000, uint64_t seed = 1, double alpha = 0.05);

}  // namespace score
