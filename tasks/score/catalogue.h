// A catalogue and its lists: how much of it is shown, how unlike the items of a list are, how new, and a choice that
// weighs that against relevance.
#pragma once

#include <vector>

namespace score {

using Lists = std::vector<std::vector<int>>;  // items 0 ... size - 1, as recommended to each user

// How often each item is recommended, and the share of the catalogue that is at all.    -> [size], a share
std::vector<long> recommended(const Lists& lists, long size);
double catalogue_coverage(const Lists& lists, long size);

// Of counts c_i with the shares q_i = c_i / sum:  -sum q_i log2 q_i, in bits;
// Gini: 0 all alike, near 1 one has all:  sum_i (2 i - n - 1) c_(i) / (n sum), c_(1) <= ... <= c_(n).
// 0 where the sum is 0.
double entropy_bits(const std::vector<long>& counts);
double gini(const std::vector<long>& counts);

// -log2(count_i / all) of every item, how surprising it is (Zhou et al. 2010); infinite where nobody had it. And its
// mean over all recommendations, and the mean count.
std::vector<double> item_novelty(const std::vector<long>& counts);
double mean_over(const Lists& lists, const std::vector<double>& of_item);

// The cosine of two vectors; 0 where one has no length.
double cosine(const std::vector<double>& a, const std::vector<double>& b);

// Intra-list diversity (Ziegler et al. 2005): the mean of 1 - cosine over the pairs of a list; 0 of fewer than
// two items.
double diversity(const std::vector<int>& list, const std::vector<std::vector<double>>& vectors);

// Maximal marginal relevance (Carbonell, Goldstein 1998): again and again the item of the highest
//   lambda relevance_i - (1 - lambda) max over the chosen of cosine(i, j),     the first by lambda relevance_i alone
// equal ones by index, until k are chosen or all.    relevance [n], vectors [n][C] -> the items and their values
struct Marginal {
  std::vector<int> order;
  std::vector<double> values;
};
Marginal marginal_relevance(const std::vector<double>& relevance, const std::vector<std::vector<double>>& vectors,
                            double lambda, long k);

}  // namespace score
