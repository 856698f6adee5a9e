// Step-up and step-down over sorted p-values. The formulas stand in multiplicity.h.
#include "tasks/detect/multiplicity.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "engine/base.h"

namespace detect {

using engine::check;

namespace {

std::vector<size_t> rising(const std::vector<double>& p) {
  for (const double x : p) check(x >= 0 && x <= 1, "multiplicity: a p-value is 0 ... 1; got {}", x);
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return p[a] < p[b]; });
  return order;
}

std::vector<double> stepped_up(const std::vector<double>& p, double factor) {
  const std::vector<size_t> order = rising(p);
  std::vector<double> adjusted(p.size());
  double least = 1;
  for (size_t i = order.size(); i-- > 0;) {
    least = std::min(least, factor * p[order[i]] * double(p.size()) / double(i + 1));
    adjusted[order[i]] = least;
  }
  return adjusted;
}

}  // namespace

std::vector<double> bonferroni(const std::vector<double>& p) {
  std::vector<double> adjusted(p.size());
  for (const size_t i : rising(p)) adjusted[i] = std::min(1., p[i] * double(p.size()));
  return adjusted;
}

std::vector<double> holm(const std::vector<double>& p) {
  const std::vector<size_t> order = rising(p);
  std::vector<double> adjusted(p.size());
  double most = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    most = std::max(most, std::min(1., p[order[i]] * double(order.size() - i)));
    adjusted[order[i]] = most;
  }
  return adjusted;
}

std::vector<double> benjamini_hochberg(const std::vector<double>& p) { return stepped_up(p, 1); }

std::vector<double> benjamini_yekutieli(const std::vector<double>& p) {
  double harmonic = 0;
  for (size_t j = 1; j <= p.size(); ++j) harmonic += 1 / double(j);
  return stepped_up(p, harmonic);
}

std::vector<int> rejected(const std::vector<double>& adjusted, double q) {
  std::vector<int> which;
  for (size_t i = 0; i < adjusted.size(); ++i)
    if (adjusted[i] <= q) which.push_back(int(i));
  return which;
}

double rejection_threshold(const std::vector<double>& p, double q) {
  double largest = std::numeric_limits<double>::quiet_NaN();
  for (const int i : rejected(benjamini_hochberg(p), q))
    if (!(p[size_t(i)] <= largest)) largest = p[size_t(i)];
  return largest;
}

}  // namespace detect
