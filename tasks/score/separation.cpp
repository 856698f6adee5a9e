// One walk down the thresholds. Read tasks/score/relevance.h and metrics.h first: the areas.
#include "tasks/score/separation.h"

#include <algorithm>
#include <functional>

#include "engine/base.h"
#include "tasks/score/metrics.h"
#include "tasks/score/relevance.h"

namespace score {

using engine::check;

namespace {

// f(threshold, TPR, FPR) at every score that occurs, from the highest, until it returns false.
template <class F>
void over_thresholds(std::vector<double> in, std::vector<double> out, F f) {
  std::sort(in.begin(), in.end(), std::greater<>());
  std::sort(out.begin(), out.end(), std::greater<>());
  for (size_t i = 0, o = 0; i < in.size() || o < out.size();) {
    const double t = o == out.size() || (i < in.size() && in[i] >= out[o]) ? in[i] : out[o];
    while (i < in.size() && in[i] == t) ++i;
    while (o < out.size() && out[o] == t) ++o;
    if (!f(t, double(i) / double(in.size()), double(o) / double(out.size()))) return;
  }
}

std::vector<double> negated(std::vector<double> x) {
  for (double& v : x) v = -v;
  return x;
}

// FPR, threshold and TPR where the TPR first reaches 95 %.
struct Kept {
  double fpr = 0, threshold = 0, tpr = 0;
};
Kept keeping_95(const std::vector<double>& in, const std::vector<double>& out) {
  Kept kept;
  over_thresholds(in, out, [&](double t, double tpr, double fpr) {
    kept = {fpr, t, tpr};
    return tpr < 0.95;
  });
  return kept;
}

}  // namespace

Separation separation(const std::vector<double>& in, const std::vector<double>& out) {
  check(!in.empty() && !out.empty(), "separation: scores of both kinds; got {} and {}", in.size(), out.size());
  std::vector<double> all = in;
  all.insert(all.end(), out.begin(), out.end());
  std::vector<int> y(all.size(), 0);
  std::fill_n(y.begin(), in.size(), 1);
  std::vector<bool> is_in(all.size(), false);
  std::fill_n(is_in.begin(), in.size(), true);
  Separation s;
  s.auroc = roc_auc(y, all);  // refuses what is not a number
  s.aupr_in = average_precision(all, is_in);
  is_in.flip();
  s.aupr_out = average_precision(negated(all), is_in);
  const Kept kept = keeping_95(in, out);
  s.fpr95 = kept.fpr;
  s.threshold = kept.threshold;
  s.tpr95 = kept.tpr;
  s.fpr95_out = keeping_95(negated(out), negated(in)).fpr;
  s.error = 0.5;
  over_thresholds(in, out, [&](double, double tpr, double fpr) {
    s.error = std::min(s.error, (1 - tpr + fpr) / 2);
    return true;
  });
  return s;
}

}  // namespace score
