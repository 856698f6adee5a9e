// Figures: how good the lists of a model are, and what a catalogue looks like through them.
#pragma once

#include <functional>

#include "engine/tensor.h"
#include "tasks/recommend/simple.h"
#include "tasks/recommend/split.h"
#include "tasks/score/catalogue.h"

namespace recommend {

// Which items a case ranks: of `among`, or of all where that is empty, those that the history does not have.    [I]
std::vector<char> rankable(const Case& c, const std::vector<int>& among, long items);

// The rank of each target, in rising order, from 1:
//   1 + #(higher ones that are no target) + 1/2 #(equal ones that are no target) + targets before it
// so a model that says the same of all gets the middle. Targets that are not rankable are left out.
// Error: a score that is not a number.
std::vector<double> target_ranks(ScoresOf scores, const std::vector<char>& rankable, const std::vector<int>& targets);

// Of the ranks of a case's targets, P of them, and n rankable items that are no target:
//   hr         1 if a rank is within k       recall   hits / P       precision   hits / k      mrr   1 / first rank
//   ndcg       sum over hits 1 / log2(rank + 1), over the same of ranks 1 ... min(P, k)
//   map        sum over hits of (hits up to there / rank), over min(P, k)
//   auc        mean over targets of 1 - (#higher + 1/2 #equal) / n
struct CaseFigures {
  double hr = 0, recall = 0, precision = 0, mrr = 0, ndcg = 0, map = 0, auc = 0.5;
  long targets = 0;
};
CaseFigures figures_of(const std::vector<double>& ranks, long others, long k);

// Of all cases: means, auc likewise; gauc: its mean with each case weighted by its targets. Then of the lists of k:
// coverage and Gini (score/catalogue.h); novelty, of counts of at least 1; diversity: 1 - cosine of the items' words,
// vector_diversity of their learned vectors, tag_diversity: 1 - Jaccard of their tags;
// calibration: tag_divergence() from the history.
struct Figures {
  long cases = 0, targets = 0;
  CaseFigures mean;
  double gauc = 0, coverage = 0, gini = 0, novelty = 0, diversity = 0, vector_diversity = 0, tag_diversity = 0;
  double calibration = 0;
  std::vector<double> ndcg;  // of every case
};

struct Measuring {
  const Data& data;
  const SparseRows& words;
  const std::vector<double>& counts;  // of what was learned from
  const std::vector<int>& among;
  long k = 10;
  const engine::Tensor* vectors = nullptr;  // [I, C] learned ones, if there are any
};
// What one case adds to them: the figures of its targets and the list that is shown, of the highest k or, after
// re-ranking, `list`; ranks within that are then places, and targets elsewhere are behind everything: mrr, auc and gauc,
// which are of whole orders, mean nothing then.
struct Outcome {
  CaseFigures figures;
  std::vector<int> shown;
};
Outcome outcome_of(const Measuring& m, const Case& c, ScoresOf scores, const std::vector<int>* list = nullptr);
// outcomes[c]: of case c. Cases without a rankable target do not count.
Figures summary(const Measuring& m, const std::vector<Case>& cases, const std::vector<Outcome>& outcomes);

// The scores of case c, made where they are needed: those of all cases at once are as many as users times items.
using CaseScores = std::function<Scores(size_t c)>;
Figures measure(const Measuring& m, const std::vector<Case>& cases, const CaseScores& scores,
                const score::Lists* lists = nullptr);

// The highest k rankable ones, equal scores by index.
std::vector<int> top_items(ScoresOf scores, const std::vector<char>& rankable, long k);

// Sparse rows as dense ones of the items asked for.
std::vector<std::vector<double>> dense_rows(const SparseRows& rows, const std::vector<int>& items);
std::vector<std::vector<double>> dense_rows(const engine::Tensor& rows, const std::vector<int>& items);
double jaccard(const std::vector<std::string>& a, const std::vector<std::string>& b);
// KL(p || q'), p the shares of the tags in the history, each item's tags 1 / their number, q those of the list,
// q' = 0.99 q + 0.01 p (Steck 2018, "Calibrated recommendations"). 0 where either has no tags.
double tag_divergence(const std::vector<Item>& items, Items history, const std::vector<int>& list);

}  // namespace recommend
