// Confidence: what the logits of a classifier say of how sure it is, larger is surer, and what it costs to be wrong.
#pragma once

#include <span>
#include <vector>

namespace score {

// p_k = exp(x_k / T) / sum_j exp(x_j / T).    [K] -> [K], in double
std::vector<double> probabilities(const std::vector<double>& logits, double T = 1);
// log sum_k exp(x_k), without overflow.
double log_sum_exp(std::span<const double> x);
// The class of the largest, the first of equals.
int largest(const std::vector<double>& x);

// Of a classifier's probabilities p [K]: the largest; the largest less the second; sum_k p_k log p_k, at most 0.
double max_probability(const std::vector<double>& p);
double margin(const std::vector<double>& p);
double negative_entropy(const std::vector<double>& p);
// T log sum_k exp(x_k / T) of its logits (Liu, Wang, Owens, Li 2020), and the largest of them.
double negative_energy(const std::vector<double>& logits, double T = 1);
double max_logit(const std::vector<double>& logits);

// Means over texts:  -log p_y  and  sum_k (p_k - [k = y])^2 (Brier 1950).    logits [n][K], p [n][K], labels [n]
double negative_log_likelihood(const std::vector<std::vector<double>>& logits, const std::vector<int>& labels,
                               double T = 1);
double brier(const std::vector<std::vector<double>>& p, const std::vector<int>& labels);

}  // namespace score
