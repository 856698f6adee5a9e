// Sorting by value and index, whole and in part. Nothing to read before.
#include "tasks/score/order.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/base.h"

namespace score {

using engine::check;

std::vector<int> top(const std::vector<double>& scores, long k) {
  check(k >= 0, "top: how many is 0 or more; got {}", k);
  for (size_t i = 0; i < scores.size(); ++i)
    check(!std::isnan(scores[i]), "order: score {} is not a number, which has no place", i);
  std::vector<int> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  const auto before = [&](int a, int b) {
    return scores[size_t(a)] != scores[size_t(b)] ? scores[size_t(a)] > scores[size_t(b)] : a < b;
  };
  const auto end = order.begin() + std::min(k, long(order.size()));
  std::partial_sort(order.begin(), end, order.end(), before);
  order.erase(end, order.end());
  return order;
}

std::vector<int> order_of(const std::vector<double>& scores) { return top(scores, long(scores.size())); }

double kth_smallest(std::vector<double> values, long k) {
  check(k >= 1 && k <= long(values.size()), "kth_smallest: k is 1 ... {}; got {}", values.size(), k);
  const auto at = values.begin() + (k - 1);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

}  // namespace score
