// Counts over lists and cosines within them. The formulas stand in catalogue.h.
#include "tasks/score/catalogue.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "tasks/score/counts.h"

namespace score {

using engine::check;

std::vector<long> recommended(const Lists& lists, long size) {
  std::vector<long> counts(size_t(size), 0);
  for (const std::vector<int>& list : lists)
    for (const int item : list) {
      check(item >= 0 && item < size, "recommended: items are 0 ... {}; got {}", size - 1, item);
      ++counts[size_t(item)];
    }
  return counts;
}

double catalogue_coverage(const Lists& lists, long size) {
  const std::vector<long> counts = recommended(lists, size);
  return ratio(double(size - std::count(counts.begin(), counts.end(), 0L)), double(size));
}

namespace {
double sum_of(const std::vector<long>& counts) { return double(std::accumulate(counts.begin(), counts.end(), 0L)); }
}  // namespace

double entropy_bits(const std::vector<long>& counts) {
  const double all = sum_of(counts);
  double bits = 0;
  for (const long count : counts)
    if (count > 0) bits -= double(count) / all * std::log2(double(count) / all);
  return bits;
}

double gini(const std::vector<long>& counts) {
  std::vector<long> rising = counts;
  std::sort(rising.begin(), rising.end());
  const double n = double(counts.size());
  double sum = 0;
  for (size_t i = 0; i < rising.size(); ++i) sum += (2 * double(i + 1) - n - 1) * double(rising[i]);
  return ratio(sum, n * sum_of(counts));
}

std::vector<double> item_novelty(const std::vector<long>& counts) {
  const double all = sum_of(counts);
  std::vector<double> novelty;
  for (const long count : counts)
    novelty.push_back(count > 0 ? -std::log2(double(count) / all) : std::numeric_limits<double>::infinity());
  return novelty;
}

double mean_over(const Lists& lists, const std::vector<double>& of_item) {
  double sum = 0;
  long n = 0;
  for (const std::vector<int>& list : lists)
    for (const int item : list) {
      check(item >= 0 && size_t(item) < of_item.size(), "mean_over: items are 0 ... {}; got {}", of_item.size() - 1,
            item);
      sum += of_item[size_t(item)];
      ++n;
    }
  return ratio(sum, double(n));
}

double cosine(const std::vector<double>& a, const std::vector<double>& b) {
  check(a.size() == b.size(), "cosine: vectors of one width; got {} and {}", a.size(), b.size());
  const auto dot = [](const auto& x, const auto& y) { return std::inner_product(x.begin(), x.end(), y.begin(), 0.); };
  return ratio(dot(a, b), std::sqrt(dot(a, a)) * std::sqrt(dot(b, b)));
}

double diversity(const std::vector<int>& list, const std::vector<std::vector<double>>& vectors) {
  double sum = 0;
  long pairs = 0;
  for (size_t i = 0; i < list.size(); ++i)
    for (size_t j = 0; j < i; ++j, ++pairs) sum += 1 - cosine(vectors.at(size_t(list[i])), vectors.at(size_t(list[j])));
  return ratio(sum, double(pairs));
}

Marginal marginal_relevance(const std::vector<double>& relevance, const std::vector<std::vector<double>>& vectors,
                            double lambda, long k) {
  const size_t n = relevance.size();
  check(vectors.size() == n, "marginal_relevance: a vector for every item; got {} for {}", vectors.size(), n);
  check(lambda >= 0 && lambda <= 1, "marginal_relevance: lambda is 0 ... 1; got {}", lambda);
  std::vector<double> nearest(n, -std::numeric_limits<double>::infinity());  // the highest cosine to a chosen one
  std::vector<bool> taken(n, false);
  Marginal chosen;
  while (long(chosen.order.size()) < std::min(k, long(n))) {
    int best = -1;
    double highest = 0;
    for (size_t i = 0; i < n; ++i) {
      if (taken[i]) continue;
      const double value = lambda * relevance[i] - (chosen.order.empty() ? 0 : (1 - lambda) * nearest[i]);
      if (best < 0 || value > highest) highest = value, best = int(i);
    }
    chosen.order.push_back(best);
    chosen.values.push_back(highest);
    taken[size_t(best)] = true;
    for (size_t i = 0; i < n; ++i)
      if (!taken[i]) nearest[i] = std::max(nearest[i], cosine(vectors[i], vectors[size_t(best)]));
  }
  return chosen;
}

}  // namespace score
