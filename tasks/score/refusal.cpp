// Running means over an order, and order statistics that promise. Read tasks/score/order.h first; the formulas stand in
// refusal.h.
#include "tasks/score/refusal.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/base.h"
#include "tasks/score/order.h"

namespace score {

using engine::check;

std::vector<double> risk_by_coverage(const std::vector<double>& score, const std::vector<bool>& right) {
  check(score.size() == right.size() && !right.empty(), "risk_by_coverage: an outcome for every score; got {} for {}",
        right.size(), score.size());
  const std::vector<int> order = order_of(score);
  std::vector<double> risk;
  double wrong = 0;
  for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    double block = 0;  // wrong ones among equal scores
    for (; end < order.size() && score[size_t(order[end])] == score[size_t(order[begin])]; ++end)
      block += !right[size_t(order[end])];
    for (size_t i = begin; i < end; ++i)
      risk.push_back((wrong + block * double(i + 1 - begin) / double(end - begin)) / double(i + 1));
    wrong += block;
  }
  return risk;
}

std::vector<double> least_risk(const std::vector<bool>& right) {
  const size_t hits = size_t(std::count(right.begin(), right.end(), true));
  std::vector<double> risk(right.size(), 0);
  for (size_t i = hits; i < right.size(); ++i) risk[i] = double(i + 1 - hits) / double(i + 1);
  return risk;
}

double area(const std::vector<double>& risk) {
  check(!risk.empty(), "area: of one text at least");
  return std::accumulate(risk.begin(), risk.end(), 0.) / double(risk.size());
}

double accuracy_at_coverage(const std::vector<double>& risk, double coverage) {
  check(coverage > 0 && coverage <= 1, "accuracy_at_coverage: a share above 0, at most 1; got {}", coverage);
  check(!risk.empty(), "accuracy_at_coverage: of one text at least");
  return 1 - risk[size_t(std::ceil(coverage * double(risk.size()))) - 1];
}

double coverage_at_accuracy(const std::vector<double>& risk, double accuracy) {
  size_t k = risk.size();
  while (k > 0 && 1 - risk[k - 1] < accuracy) --k;
  return risk.empty() ? 0 : double(k) / double(risk.size());
}

std::vector<double> least_ambiguous(const std::vector<double>& p) {
  std::vector<double> s;
  for (const double v : p) s.push_back(1 - v);
  return s;
}

std::vector<double> adaptive(const std::vector<double>& p) { return regularised(p, 0, 0); }

std::vector<double> regularised(const std::vector<double>& p, double weight, long free) {
  std::vector<double> s(p.size());
  double mass = 0;
  long rank = 0;
  for (const int c : order_of(p)) {
    mass += p[size_t(c)];
    s[size_t(c)] = mass + weight * double(std::max(0L, ++rank - free));
  }
  return s;
}

long conformal_rank(long n, double alpha) {
  check(alpha > 0 && alpha < 1, "conformal: alpha lies between 0 and 1; got {}", alpha);
  return long(std::ceil(double(n + 1) * (1 - alpha)));
}

double conformal_threshold(const std::vector<double>& own, double alpha) {
  const long k = conformal_rank(long(own.size()), alpha);
  return k > long(own.size()) ? kEveryClass : kth_smallest(own, k);
}

std::vector<int> conformal_set(const std::vector<double>& nonconformity, const std::vector<double>& thresholds) {
  check(nonconformity.size() == thresholds.size(), "conformal_set: a threshold for every class; got {} for {}",
        thresholds.size(), nonconformity.size());
  std::vector<int> set;
  for (size_t c = 0; c < nonconformity.size(); ++c)
    if (nonconformity[c] <= thresholds[c]) set.push_back(int(c));
  return set;
}

std::vector<int> conformal_set(const std::vector<double>& nonconformity, double threshold) {
  return conformal_set(nonconformity, std::vector<double>(nonconformity.size(), threshold));
}

double refusal_threshold(const std::vector<double>& in_scope, double alpha) {
  check(alpha > 0 && alpha < 1, "refusal_threshold: alpha lies between 0 and 1; got {}", alpha);
  const long k = long(std::floor(alpha * double(in_scope.size() + 1)));
  return k == 0 ? -std::numeric_limits<double>::infinity() : kth_smallest(in_scope, k);
}

}  // namespace score
