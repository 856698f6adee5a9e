// Selection: which texts are worth a label, by how unsure a model is of them and how far they are from each other.
#pragma once

#include <vector>

namespace score {

// How unsure p [K], K > 1, is: 0 one class has all, 1 (entropy), or as near as two classes come (margin), alike.
//   margin    u = 1 - (p_(1) - p_(2)), the two highest (Scheffer, Decomain, Wrobel 2001)
//   entropy   u = -sum_k p_k ln p_k / ln K
double margin_uncertainty(const std::vector<double>& p);
double entropy_uncertainty(const std::vector<double>& p);

// Greedy k-center (Sener, Savarese 2018, "Active Learning for Convolutional Neural Networks: A Core-Set Approach"),
// each distance weighted by the uncertainty: of `n` texts with uncertainty u [n] and vectors v [n, C] at most `most`,
// in their order of choice.
//   S = {};   again and again the i not in S of the highest   u_i^(1 - w) d_i^w,   d_i = min over j in S of |v_i - v_j|
//   while S is empty d_i = 1: the first one is the most uncertain; of equals the earlier one
// w = `diversity`: 0 is the order of uncertainty, 1 the farthest first.      Error: w outside of [0, 1], other sizes.
std::vector<long> choose(const std::vector<double>& uncertainty, const std::vector<float>& vectors, long most,
                         double diversity);

}  // namespace score
