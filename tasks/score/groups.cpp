// Counts by group and how far they lie apart. The formulas stand in groups.h.
#include "tasks/score/groups.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tasks/score/counts.h"

namespace score {

using engine::check;

double Decisions::accuracy() const { return score::ratio(double(tp + tn), double(count())); }
double Decisions::selection_rate() const { return score::ratio(double(selected()), double(count())); }
double Decisions::tpr() const { return score::ratio(double(tp), double(positives())); }
double Decisions::fpr() const { return score::ratio(double(fp), double(negatives())); }
double Decisions::tnr() const { return score::ratio(double(tn), double(negatives())); }
double Decisions::fnr() const { return score::ratio(double(fn), double(positives())); }
double Decisions::precision() const { return score::ratio(double(tp), double(selected())); }
double Decisions::f1() const { return Hits{tp, fp, fn}.f1(); }

namespace {

void add(Decisions& d, int truth, int predicted, size_t i) {
  check((truth == 0 || truth == 1) && (predicted == 0 || predicted == 1),
        "groups: truth and prediction are 0 or 1; got {} and {} at text {}", truth, predicted, i);
  ++(truth ? predicted ? d.tp : d.fn : predicted ? d.fp : d.tn);
}

}  // namespace

Decisions decisions_of(const std::vector<int>& y_true, const std::vector<int>& y_pred) {
  check_pairs("decisions_of", y_true, y_pred);
  Decisions d;
  for (size_t i = 0; i < y_true.size(); ++i) add(d, y_true[i], y_pred[i], i);
  return d;
}

std::map<std::string, Decisions> by_group(const std::vector<int>& y_true, const std::vector<int>& y_pred,
                                          const std::vector<std::string>& group) {
  check_pairs("by_group", y_true, y_pred);
  check(group.size() == y_true.size(), "by_group: a group for every text; got {} for {}", group.size(), y_true.size());
  std::map<std::string, Decisions> groups;
  for (size_t i = 0; i < group.size(); ++i) add(groups[group[i]], y_true[i], y_pred[i], i);
  return groups;
}

Gap between_groups(const std::vector<double>& of_groups) {
  check(!of_groups.empty(), "between_groups: one group at least");
  const auto [low, high] = std::minmax_element(of_groups.begin(), of_groups.end());
  return {*high - *low, *low / *high};  // 0 / 0: nothing to compare
}

Gap to_overall(const std::vector<double>& of_groups, double overall) {
  check(!of_groups.empty(), "to_overall: one group at least");
  Gap gap{0, std::numeric_limits<double>::quiet_NaN()};
  for (const double v : of_groups) {
    gap.difference = std::max(gap.difference, std::abs(v - overall));
    const double quotient = v / overall;
    gap.ratio = std::fmin(gap.ratio, quotient < 1 ? quotient : 1 / quotient);
  }
  return gap;
}

Gap worse_of(const Gap& a, const Gap& b) { return {std::max(a.difference, b.difference), std::min(a.ratio, b.ratio)}; }
Gap mean_of(const Gap& a, const Gap& b) {
  const double ratio = std::isnan(a.ratio) ? b.ratio : std::isnan(b.ratio) ? a.ratio : (a.ratio + b.ratio) / 2;
  return {(a.difference + b.difference) / 2, ratio};
}

}  // namespace score
