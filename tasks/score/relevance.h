// Relevance: how well scores order what is relevant, over whole lists and with ties, equal to scikit-learn's figures.
#pragma once

#include <vector>

namespace score {

// Discounted cumulative gain (Jarvelin, Kekalainen 2002) of gains g_i within the first k (0: all):
//   sum over ranks r = 1 ... k of g_(r) / log2(r + 1)
// Ties::averaged: items of one score share the mean gain of their places (McSherry, Najork 2008); Ties::by_index: they
// keep their order. NDCG divides by the DCG of the gains in falling order; 0 where there is no gain.
//   scores [n], gains [n] of 0 or more
enum class Ties { averaged, by_index };
double dcg(const std::vector<double>& scores, const std::vector<double>& gains, long k = 0, Ties ties = Ties::averaged);
double ndcg(const std::vector<double>& scores, const std::vector<double>& gains, long k = 0,
            Ties ties = Ties::averaged);

// sum over thresholds of (recall there - recall above) precision: the area under precision and recall in steps. Needs a
// relevant item.
double average_precision(const std::vector<double>& scores, const std::vector<bool>& relevant);

// Of each text, for each label that holds: which share of the labels that score as high or higher hold; the mean over
// those labels, then over the texts (Schapire, Singer 2000). A text of which all labels or none hold counts 1.
double label_ranking_average_precision(const std::vector<std::vector<double>>& scores,
                                       const std::vector<std::vector<bool>>& holds);
// How many labels score as high as the lowest that holds; the mean over the texts, 0 where none holds.
double coverage_error(const std::vector<std::vector<double>>& scores, const std::vector<std::vector<bool>>& holds);

}  // namespace score
