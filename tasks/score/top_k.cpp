// One walk down a list. Read tasks/score/order.h first; the formulas stand in top_k.h.
#include "tasks/score/top_k.h"

#include <algorithm>
#include <cmath>

#include "tasks/score/counts.h"
#include "tasks/score/order.h"

namespace score {

using engine::check;

namespace {

double discount(double rank) { return 1 / std::log2(rank + 1); }  // rank from 1

constexpr double TopK::*kFigures[] = {
    &TopK::precision, &TopK::precision_over_listed, &TopK::recall, &TopK::hr, &TopK::ndcg, &TopK::mrr,
    &TopK::map,       &TopK::map_over_positives,    &TopK::f1};

}  // namespace

TopK top_k_of_ranked(const std::vector<bool>& relevant, long positives, long k) {
  check(k > 0, "top_k: the length of the list is above 0; got {}", k);
  const long listed = std::min(k, long(relevant.size())), ideal = std::min(k, positives);
  long hits = 0;
  double precisions = 0, gain = 0, most = 0;
  TopK t;
  for (long i = 0; i < listed; ++i) {
    if (!relevant[size_t(i)]) continue;
    ++hits;
    precisions += double(hits) / double(i + 1);
    gain += discount(double(i + 1));
    if (hits == 1) t.mrr = 1 / double(i + 1);
  }
  check(hits <= positives, "top_k: {} relevant ones in a list, but {} in all", hits, positives);
  for (long i = 0; i < ideal; ++i) most += discount(double(i + 1));
  t.precision = double(hits) / double(k);
  t.precision_over_listed = ratio(double(hits), double(listed));
  t.recall = ratio(double(hits), double(positives));
  t.hr = hits > 0;
  t.ndcg = ratio(gain, most);
  t.map = ratio(precisions, double(ideal));
  t.map_over_positives = ratio(precisions, double(positives));
  t.f1 = ratio(2 * t.precision * t.recall, t.precision + t.recall);
  t.defined = positives > 0;
  return t;
}

TopK top_k(const std::vector<double>& scores, const std::vector<bool>& relevant, long k) {
  check(scores.size() == relevant.size(), "top_k: a score for every item; got {} for {}", scores.size(),
        relevant.size());
  std::vector<bool> ranked;
  for (const int i : top(scores, k)) ranked.push_back(relevant[size_t(i)]);
  return top_k_of_ranked(ranked, std::count(relevant.begin(), relevant.end(), true), k);
}

TopK mean_of(const std::vector<TopK>& lists, Undefined undefined) {
  check(!lists.empty(), "mean_of: one list at least");
  const double n = double(lists.size());
  const double defined = double(std::count_if(lists.begin(), lists.end(), [](const TopK& t) { return t.defined; }));
  TopK mean;
  for (double TopK::*figure : kFigures) {
    const bool always = figure == &TopK::precision || figure == &TopK::precision_over_listed;
    for (const TopK& list : lists) mean.*figure += list.*figure;
    mean.*figure = ratio(mean.*figure, always || undefined == Undefined::zero ? n : defined);
  }
  mean.defined = undefined == Undefined::zero || defined > 0;
  return mean;
}

SampledRank sampled_rank(double own, const std::vector<double>& others) {
  SampledRank rank;
  for (const double other : others) {
    check(!std::isnan(other) && !std::isnan(own), "sampled_rank: a score is not a number");
    rank.higher += other > own;
    rank.equal += other == own;
  }
  return rank;
}

namespace {

template <class F>
double mean_within(const char* who, const std::vector<double>& ranks, long k, F f) {
  check(!ranks.empty() && k >= 0, "{}: one rank at least, and k of 0 or more; got {} ranks and k {}", who, ranks.size(),
        k);
  double sum = 0;
  for (const double rank : ranks) {
    check(rank >= 1, "{}: ranks begin at 1; got {}", who, rank);
    if (k == 0 || rank <= double(k)) sum += f(rank);
  }
  return sum / double(ranks.size());
}

}  // namespace

double hit_rate(const std::vector<double>& ranks, long k) {
  return mean_within("hit_rate", ranks, k, [](double) { return 1.; });
}
double mean_gain(const std::vector<double>& ranks, long k) { return mean_within("mean_gain", ranks, k, discount); }
double mean_reciprocal(const std::vector<double>& ranks, long k) {
  return mean_within("mean_reciprocal", ranks, k, [](double rank) { return 1 / rank; });
}

}  // namespace score
