// Spread: lists whose items are not all alike, and how far they can be spread for how much of NDCG.
#pragma once

#include "nn/format/json_value.h"
#include "tasks/recommend/figures.h"

namespace recommend {

struct Recommender;

// One list that is asked for.
struct Wanted {
  long k = 10;
  double diversity = 0;
  std::string rerank = "mmr-mean", likeness = "mean";
  std::vector<int> exclude = {};  // beside the history
};

// How alike items are, 1 of each and itself. words, vectors: cosines of their words, of their learned vectors; tags:
// common tags over the root of the product of their numbers; mean: the mean of the three, or of the first two where no
// item has tags.    -> [n][n]
std::vector<std::vector<double>> likeness(const Recommender& r, const std::vector<int>& items, const std::string& kind);

// Of each case the highest `candidates` by score, re-ranked: lists for each of `wanted`.
std::vector<score::Lists> reranked(const Recommender& r, const std::vector<Case>& cases, const CaseScores& scores,
                                   const std::vector<int>& among, const std::vector<Wanted>& wanted,
                                   long candidates = 100);

// Which method and diversity spread the lists of some cases furthest, by the distance that they re-rank by, at a cost
// of at most `cost` of NDCG: one for each of tags, vectors and mean, by twentieths, then by hundredths about the
// furthest that is cheap enough. Diversity 0: none does.
struct Spread {
  std::string likeness = "mean", rerank = "mmr-mean";
  double diversity = 0, cost = 0, gain = 0;  // parts of the plain lists' NDCG and distance
};
std::vector<Spread> choose_spread(const Recommender& r, const Measuring& m, const std::vector<Case>& cases,
                                  const CaseScores& scores, double cost = 0.02);
double distance_by(const std::string& kind, const Figures& f);

nn::ordered_json spread_json(const std::vector<Spread>& all);
std::vector<Spread> spread_from(const nn::ordered_json& json, const std::string& where);

}  // namespace recommend
