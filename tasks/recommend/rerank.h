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

// Maximal marginal relevance by likenesses: score/catalogue.h's marginal_relevance() with s_ij for the cosines. By the
// mean it is lambda r_i - (1 - lambda) mean over the chosen of s_ij: greedily what the mean distance of a list's pairs
// wants, where the highest likeness looks at the nearest one alone.
//   r [n], s [n][n] -> places, k at most
enum class Likeness { highest, mean };
std::vector<int> greedy_mmr(const std::vector<double>& r, const std::vector<std::vector<double>>& s, double lambda,
                            long k, Likeness by = Likeness::highest);

// How it can be done, the default first.
inline const std::vector<std::string> kReranks{"mmr-mean", "mmr", "dpp"};

// k of n candidates, by relevance: which they are decides how far they lie apart, their order what they are worth.
// `diversity` d in [0, 1): 0 is the k most relevant.
//   mmr, mmr-mean   lambda = 1 - d, over shares e^r / typical: what costs little is what is hardly taken, and more may
//                   go where little is known of a user. typical: the highest share of a usual list; 0: of this list
//   dpp             theta = (1 - d) / (2 d), so that log det weighs d and relevance 1 - d, over (r - min) / (max - min);
//                   what it leaves open follows by relevance
// relevance [n] logs of shares, likeness [n][n] -> places
std::vector<int> rerank(const std::string& method, const std::vector<double>& relevance,
                        const std::vector<std::vector<double>>& likeness, double diversity, long k, double typical = 0);

}  // namespace recommend
