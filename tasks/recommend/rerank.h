// Re-ranking: a list whose items are not all alike, from candidates with relevances and similarities.
#pragma once

#include <string>
#include <vector>

namespace recommend {

// Greedy MAP of a determinantal point process (Chen, Zhang, Zhou 2018): the set S of k with the largest det L_S, step
// by step, L_ij = e^(theta r_i) s_ij e^(theta r_j). With c_i the row of item i in the Cholesky factor so far:
//   d_i^2 = L_ii;   pick j = argmax d_i^2;   e_i = (L_ji - c_j . c_i) / d_j,   append e_i to c_i,   d_i^2 -= e_i^2
// O(k^2 n). Equal ones by index; ends early where nothing is left that the chosen ones do not span (d^2 <= 1e-10 of the
// first).    r [n], s [n][n] with s_ii = 1 -> places, at most k
std::vector<int> greedy_dpp(const std::vector<double>& r, const std::vector<std::vector<double>>& s, double theta,
                            long k);

// Maximal marginal relevance by likenesses: score/catalogue.h's marginal_relevance() with s_ij for the cosines.
//   r [n], s [n][n] -> places, k at most
std::vector<int> greedy_mmr(const std::vector<double>& r, const std::vector<std::vector<double>>& s, double lambda,
                            long k);

// k of n candidates, in their order. `diversity` d in [0, 1): 0 is the order of relevance.
//   mmr   lambda = 1 - d, over shares of the highest, e^(r - max r): what costs little is what is hardly taken
//   dpp   theta = (1 - d) / (2 d), so that log det weighs d and relevance 1 - d, over (r - min) / (max - min); what it
//         leaves open follows by relevance
// relevance [n] logs of shares, likeness [n][n] -> places
std::vector<int> rerank(const std::string& method, const std::vector<double>& relevance,
                        const std::vector<std::vector<double>>& likeness, double diversity, long k);

}  // namespace recommend
