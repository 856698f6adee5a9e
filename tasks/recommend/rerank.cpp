// MMR and DPP over candidates. Read tasks/score/catalogue.h first: MMR's formula.
#include "tasks/recommend/rerank.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/base.h"
#include "tasks/score/order.h"

namespace recommend {

using engine::check;

std::vector<int> greedy_dpp(const std::vector<double>& r, const std::vector<std::vector<double>>& s, double theta,
                            long k) {
  const size_t n = r.size();
  check(s.size() == n, "greedy_dpp: similarities of all {} items; got {}", n, s.size());
  const double highest = n ? *std::max_element(r.begin(), r.end()) : 0;  // a common factor of L changes no choice
  std::vector<double> quality(n), d2(n);
  for (size_t i = 0; i < n; ++i)
    quality[i] = std::exp(theta * (r[i] - highest)), d2[i] = quality[i] * quality[i] * s[i][i];
  std::vector<std::vector<double>> c(n);
  std::vector<char> taken(n, 0);
  std::vector<int> order;
  double first = 0;
  while (long(order.size()) < std::min(k, long(n))) {
    int j = -1;
    for (size_t i = 0; i < n; ++i)
      if (!taken[i] && (j < 0 || d2[i] > d2[size_t(j)])) j = int(i);
    if (order.empty()) first = d2[size_t(j)];
    if (d2[size_t(j)] <= 1e-10 * first) break;
    const size_t J = size_t(j);
    order.push_back(j);
    taken[J] = 1;
    const double d = std::sqrt(d2[J]);
    for (size_t i = 0; i < n; ++i) {
      if (taken[i]) continue;
      const double dot = std::inner_product(c[J].begin(), c[J].end(), c[i].begin(), 0.);
      const double e = (quality[J] * s[J][i] * quality[i] - dot) / d;
      c[i].push_back(e);
      d2[i] -= e * e;
    }
  }
  return order;
}

std::vector<int> greedy_mmr(const std::vector<double>& r, const std::vector<std::vector<double>>& s, double lambda,
                            long k, Likeness by) {
  const size_t n = r.size();
  std::vector<double> likest(n, -1), sum(n, 0);  // the highest likeness to a chosen one, and all of them
  std::vector<char> taken(n, 0);
  std::vector<int> order;
  while (long(order.size()) < std::min(k, long(n))) {
    int best = -1;
    double highest = 0;
    for (size_t i = 0; i < n; ++i) {
      const double alike = by == Likeness::highest ? likest[i] : sum[i] / double(order.size());
      const double value = lambda * r[i] - (order.empty() ? 0 : (1 - lambda) * alike);
      if (!taken[i] && (best < 0 || value > highest)) highest = value, best = int(i);
    }
    order.push_back(best);
    taken[size_t(best)] = 1;
    for (size_t i = 0; i < n; ++i) likest[i] = std::max(likest[i], s[size_t(best)][i]), sum[i] += s[size_t(best)][i];
  }
  return order;
}

std::vector<int> rerank(const std::string& method, const std::vector<double>& relevance,
                        const std::vector<std::vector<double>>& likeness, double diversity, long k, double typical) {
  check(diversity >= 0 && diversity < 1, "--diversity must be in [0, 1); got {}", diversity);
  std::vector<int> plain = score::order_of(relevance);
  plain.resize(std::min(plain.size(), size_t(k)));
  if (diversity == 0 || relevance.size() < 2) return plain;
  const auto [low, high] = std::minmax_element(relevance.begin(), relevance.end());
  std::vector<double> r;
  std::vector<int> chosen;
  if (method == "dpp") {
    for (const double x : relevance) r.push_back(*high > *low ? (x - *low) / (*high - *low) : 1);
    chosen = greedy_dpp(r, likeness, (1 - diversity) / (2 * diversity), k);
  } else {
    const double one = typical > 0 ? std::log(typical) : *high;
    for (const double x : relevance) r.push_back(std::exp(x - one));
    chosen = greedy_mmr(r, likeness, 1 - diversity, k, method == "mmr" ? Likeness::highest : Likeness::mean);
  }
  std::vector<char> in(relevance.size(), 0);
  for (const int i : chosen) in[size_t(i)] = 1;
  std::vector<int> shown;
  long open = std::min(k, long(relevance.size())) - long(chosen.size());
  for (const int i : score::order_of(relevance))
    if (in[size_t(i)] || open-- > 0) shown.push_back(i);
  return shown;
}

}  // namespace recommend
