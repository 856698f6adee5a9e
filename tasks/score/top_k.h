// Lists of k: what a user, or a question, gets to see, and how much of it was wanted.
#pragma once

#include <vector>

namespace score {

// Of one list, in the order of its scores, equal ones by index (order.h). hits: relevant ones among the first k.
//   precision   hits / k, also where the list is shorter;   precision_over_listed   hits / min(k, n)
//   recall      hits / P, P the relevant ones                hr   1 if there is a hit
//   ndcg        (sum over hits 1 / log2(rank + 1)) / (sum over ranks 1 ... min(P, k) of the same)
//               (Jarvelin, Kekalainen 2002)                  mrr  1 / rank of the first hit, 0 without one
//   map         (sum over hits of the precision up to there) / min(P, k);   map_over_positives   the same sum / P
//   f1          2 precision recall / (precision + recall)
// Without a relevant one (`defined` is false) only the precisions mean something; the others are 0.
struct TopK {
  double precision = 0, precision_over_listed = 0, recall = 0, hr = 0, ndcg = 0, mrr = 0, map = 0;
  double map_over_positives = 0, f1 = 0;
  bool defined = true;
};
TopK top_k(const std::vector<double>& scores, const std::vector<bool>& relevant, long k);
// Of a list that is in order already; `positives` counts all relevant ones, also those that are not in it.
TopK top_k_of_ranked(const std::vector<bool>& relevant, long positives, long k);

// The mean of each figure. `skip`: of those lists only where it is defined, else 0 counts. Error: no list.
enum class Undefined { skip, zero };
TopK mean_of(const std::vector<TopK>& lists, Undefined undefined);

// One relevant item among others that were drawn, by the scores alone: its rank if it is put before those with an equal
// score, behind them, or in the middle.
struct SampledRank {
  long higher = 0, equal = 0;  // how many of the others
  double optimistic() const { return double(higher + 1); }
  double pessimistic() const { return double(higher + equal + 1); }
  double middle() const { return double(higher + 1) + double(equal) / 2; }
};
SampledRank sampled_rank(double own, const std::vector<double>& others);

// Of ranks from 1, means over them: the share within k, 1 / log2(rank + 1) within k, 1 / rank within k.
// k = 0: no limit.
double hit_rate(const std::vector<double>& ranks, long k);
double mean_gain(const std::vector<double>& ranks, long k);
double mean_reciprocal(const std::vector<double>& ranks, long k = 0);

}  // namespace score
