// Refusal: what is left wrong if a model may stay silent where it is least sure, and promises that hold by counting.
#pragma once

#include <limits>
#include <vector>

namespace score {

// risk[k - 1]: the share of wrong ones among the k surest (El-Yaniv, Wiener 2010), k = 1 ... n. Of texts with equal
// scores, of which none comes first, each stands for the mean of their block.
//   score [n], larger is surer; right [n] -> risk [n];  with hits put first instead: the best order there is
std::vector<double> risk_by_coverage(const std::vector<double>& score, const std::vector<bool>& right);
std::vector<double> least_risk(const std::vector<bool>& right);
// The area under it, mean_k risk_k (Geifman, Uziel, El-Yaniv 2019: E-AURC is what is above the area of the least risk).
double area(const std::vector<double>& risk);
// 1 - risk of the surest ceil(coverage n), coverage in (0, 1].
double accuracy_at_coverage(const std::vector<double>& risk, double coverage);
// The largest share of the texts, from the surest, of which at least `accuracy` are right; 0: none.
double coverage_at_accuracy(const std::vector<double>& risk, double accuracy);

// ---- conformal prediction: split (Papadopoulos et al. 2002; Vovk, Gammerman, Shafer 2005) ------------------------
// How strange each class would be, as a nonconformity s_c of the probabilities p [K] -> [K]:
//   least_ambiguous  s_c = 1 - p_c                               LAC (Sadinle, Lei, Wasserman 2019)
//   adaptive         s_c = the mass of p down to c, c included, from the likeliest, of equals by index; without
//                    randomisation                                APS (Romano, Sesia, Candes 2020)
//   regularised      adaptive + weight max(0, rank_c - free), ranks from 1          RAPS (Angelopoulos et al. 2021)
std::vector<double> least_ambiguous(const std::vector<double>& p);
std::vector<double> adaptive(const std::vector<double>& p);
std::vector<double> regularised(const std::vector<double>& p, double weight, long free);

// The ceil((n + 1)(1 - alpha))-th smallest of the nonconformities of n calibration texts, each of its own class: of new
// texts like them at most alpha are stranger, on the average over calibrations. Too few texts for the promise:
// infinity, every class is in the set. Of texts of a kind alone the promise holds for the kind (Mondrian).
// Error: alpha outside of (0, 1).
constexpr double kEveryClass = std::numeric_limits<double>::infinity();
double conformal_threshold(const std::vector<double>& own, double alpha);
long conformal_rank(long n, double alpha);  // ceil((n + 1)(1 - alpha)), may be n + 1
// The classes c with s_c <= threshold, or <= their own: [K]. A set of more than one is a question: did you mean ...?
std::vector<int> conformal_set(const std::vector<double>& nonconformity, double threshold);
std::vector<int> conformal_set(const std::vector<double>& nonconformity, const std::vector<double>& thresholds);

// Below which score to refuse so that at most alpha of the texts in scope are, on the average: the
// floor(alpha (n + 1))-th smallest of the scores of n texts in scope; -infinity (refuse none) where that is the 0th.
double refusal_threshold(const std::vector<double>& in_scope, double alpha);

}  // namespace score
