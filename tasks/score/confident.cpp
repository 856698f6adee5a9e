// Counting what models that have not seen a label say of it. The formulas stand in confident.h.
#include "tasks/score/confident.h"

#include <limits>

#include "engine/base.h"

namespace score {

using engine::check;

namespace {

std::vector<double> thresholds_of(const std::vector<std::vector<double>>& p, const std::vector<int>& given,
                                  const std::vector<long>& texts) {
  std::vector<double> sums(texts.size());
  for (size_t i = 0; i < p.size(); ++i) sums[size_t(given[i])] += p[i][size_t(given[i])];
  for (size_t k = 0; k < texts.size(); ++k)
    sums[k] = texts[k] ? sums[k] / double(texts[k]) : std::numeric_limits<double>::infinity();
  return sums;
}

// The most probable of the classes that reach their thresholds; -1: none does.
int believed_of(const std::vector<double>& p, const std::vector<double>& thresholds) {
  int best = -1;
  for (int k = 0; k < int(p.size()); ++k)
    if (p[size_t(k)] >= thresholds[size_t(k)] && (best < 0 || p[size_t(k)] > p[size_t(best)])) best = k;
  return best;
}

}  // namespace

double ConfidentJoint::wrong_share() const {
  double right = 0;
  for (size_t k = 0; k < joint.size(); ++k) right += joint[k][k];
  return 1 - right;
}

ConfidentJoint confident_joint(const std::vector<std::vector<double>>& p, const std::vector<int>& given, int classes) {
  const size_t K = size_t(classes), n = p.size();
  check(n > 0 && given.size() == n, "confident_joint: a row of probabilities for every label; got {} and {}", n,
        given.size());
  std::vector<long> texts(K);
  for (size_t i = 0; i < n; ++i) {
    check(p[i].size() == K, "confident_joint: {} probabilities a text; got {}", K, p[i].size());
    check(given[i] >= 0 && given[i] < classes, "confident_joint: labels are 0 ... {}; got {}", classes - 1, given[i]);
    ++texts[size_t(given[i])];
  }
  ConfidentJoint c;
  c.thresholds = thresholds_of(p, given, texts);
  c.counts.assign(K, std::vector<long>(K));
  c.joint.assign(K, std::vector<double>(K));
  for (size_t i = 0; i < n; ++i) {
    c.believed.push_back(believed_of(p[i], c.thresholds));
    if (c.believed[i] >= 0) ++c.counts[size_t(given[i])][size_t(c.believed[i])];
  }
  for (size_t s = 0; s < K; ++s) {
    if (!texts[s]) continue;
    if (!c.counts[s][s]) c.counts[s][s] = 1;
    long sum = 0;
    for (const long count : c.counts[s]) sum += count;
    for (size_t y = 0; y < K; ++y) c.joint[s][y] = double(c.counts[s][y]) / double(sum) * double(texts[s]) / double(n);
  }
  return c;
}

double normalised_margin(const std::vector<double>& p, int label) {
  double other = 0;
  for (size_t k = 0; k < p.size(); ++k)
    if (int(k) != label && p[k] > other) other = p[k];
  return (p[size_t(label)] - other + 1) / 2;
}

}  // namespace score
