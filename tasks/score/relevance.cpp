// Walks over lists in the order of their scores, a block of equal ones at a time. The formulas stand in relevance.h.
#include "tasks/score/relevance.h"

#include <algorithm>
#include <cmath>

#include "tasks/score/counts.h"
#include "tasks/score/order.h"

namespace score {

using engine::check;

namespace {

template <class T>
void check_scores(const char* who, const std::vector<double>& scores, const std::vector<T>& truth) {
  check(scores.size() == truth.size() && !scores.empty(), "{}: a score for every item; got {} for {}", who,
        scores.size(), truth.size());
}

double discount_at(size_t place, size_t k) { return place < k ? 1 / std::log2(double(place) + 2) : 0; }  // place from 0

// f(begin, end) for every block of equal scores in an order.
template <class F>
void over_blocks(const std::vector<double>& scores, const std::vector<int>& order, F f) {
  for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    while (end < order.size() && scores[size_t(order[end])] == scores[size_t(order[begin])]) ++end;
    f(begin, end);
  }
}

}  // namespace

double dcg(const std::vector<double>& scores, const std::vector<double>& gains, long k, Ties ties) {
  check_scores("dcg", scores, gains);
  check(k >= 0, "dcg: k is 0 (all) or more; got {}", k);
  const std::vector<int> order = order_of(scores);
  const size_t within = k == 0 ? order.size() : std::min(size_t(k), order.size());
  double sum = 0;
  over_blocks(scores, order, [&](size_t begin, size_t end) {
    double block_gain = 0, block_discount = 0;
    for (size_t i = begin; i < end; ++i) {
      const double gain = gains[size_t(order[i])], weight = discount_at(i, within);
      if (ties == Ties::by_index) sum += gain * weight;
      block_gain += gain;
      block_discount += weight;
    }
    if (ties == Ties::averaged) sum += block_gain / double(end - begin) * block_discount;
  });
  return sum;
}

double ndcg(const std::vector<double>& scores, const std::vector<double>& gains, long k, Ties ties) {
  check_scores("ndcg", scores, gains);
  check(std::all_of(gains.begin(), gains.end(), [](double g) { return g >= 0; }), "ndcg: gains are 0 or more");
  return ratio(dcg(scores, gains, k, ties), dcg(gains, gains, k, Ties::by_index));
}

double average_precision(const std::vector<double>& scores, const std::vector<bool>& relevant) {
  check_scores("average_precision", scores, relevant);
  const double positives = double(std::count(relevant.begin(), relevant.end(), true));
  check(positives > 0, "average_precision: one relevant item at least; got none of {}", relevant.size());
  const std::vector<int> order = order_of(scores);
  double area = 0, hits = 0;
  over_blocks(scores, order, [&](size_t begin, size_t end) {
    double more = 0;
    for (size_t i = begin; i < end; ++i) more += relevant[size_t(order[i])];
    hits += more;
    area += more / positives * hits / double(end);
  });
  return area;
}

namespace {

// The mean over texts of f(scores, holds) of each.
template <class F>
double mean_over_texts(const char* who, const std::vector<std::vector<double>>& scores,
                       const std::vector<std::vector<bool>>& holds, F f) {
  check(scores.size() == holds.size() && !scores.empty(), "{}: scores for every text; got {} for {}", who,
        scores.size(), holds.size());
  double sum = 0;
  for (size_t i = 0; i < scores.size(); ++i) {
    check_scores(who, scores[i], holds[i]);
    sum += f(scores[i], holds[i]);
  }
  return sum / double(scores.size());
}

}  // namespace

double label_ranking_average_precision(const std::vector<std::vector<double>>& scores,
                                       const std::vector<std::vector<bool>>& holds) {
  return mean_over_texts("label_ranking_average_precision", scores, holds, [](const auto& score, const auto& hold) {
    const long positives = std::count(hold.begin(), hold.end(), true);
    if (positives == 0 || positives == long(hold.size())) return 1.;
    const std::vector<int> order = order_of(score);
    double sum = 0, hits = 0;
    over_blocks(score, order, [&](size_t begin, size_t end) {
      double more = 0;
      for (size_t i = begin; i < end; ++i) more += hold[size_t(order[i])];
      hits += more;
      sum += more * hits / double(end);
    });
    return sum / double(positives);
  });
}

double coverage_error(const std::vector<std::vector<double>>& scores, const std::vector<std::vector<bool>>& holds) {
  return mean_over_texts("coverage_error", scores, holds, [](const auto& score, const auto& hold) {
    const std::vector<int> order = order_of(score);
    double depth = 0;
    over_blocks(score, order, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i)
        if (hold[size_t(order[i])]) depth = double(end);
    });
    return depth;
  });
}

}  // namespace score
