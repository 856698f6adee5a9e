// Proportions: how far a share of a few texts can be trusted, and whether two models differ on the same texts.
#pragma once

#include <cstdint>
#include <vector>

namespace score {

struct Bounds {
  double low = 0, high = 1;
};

// The interval of a share of which k of n > 0 texts were seen, at a level of 1 - alpha; z = Phi^-1(1 - alpha / 2).
//   wilson           (p + z^2 / 2n +- z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n),   p = k / n  (Wilson 1927)
//   clopper_pearson  Beta quantiles: alpha / 2 of (k, n - k + 1), 0 at k = 0; 1 - alpha / 2 of (k + 1, n - k), 1 at
//                    k = n: covers at least as often as it says (Clopper, Pearson 1934)
//   agresti_coull    p' +- z sqrt(p' (1 - p') / n'),   n' = n + z^2,  p' = (k + z^2 / 2) / n', within [0, 1] (1998)
//   jeffreys         Beta quantiles of (k + 1/2, n - k + 1/2)  (Brown, Cai, DasGupta 2001)
// They are statsmodels' (0.13). Error: k outside of 0 ... n, alpha outside of (0, 1).
Bounds wilson(long k, long n, double alpha = 0.05);
Bounds clopper_pearson(long k, long n, double alpha = 0.05);
Bounds agresti_coull(long k, long n, double alpha = 0.05);
Bounds jeffreys(long k, long n, double alpha = 0.05);

// Do two models err equally often on the same texts (McNemar 1947)? only_first, only_second: how many texts one of them
// alone has right; n their sum, d their difference. n = 0: no text tells them apart, every p is 1.
//   exact            2 P(X <= smaller one), X binomial of n and 1/2, at most 1
//   mid_p            exact - P(X = smaller one); where they are equal 1 - half of it (Fagerland, Lydersen, Laake 2013)
//   chi2             d^2 / n;   corrected (|d| - 1)^2 / n;   p of chi squared with one degree of freedom
struct McNemar {
  double exact_p = 1, mid_p = 1, chi2 = 0, chi2_p = 1, corrected = 0, corrected_p = 1;
};
McNemar mcnemar(long only_first, long only_second);

// The texts of resample r: n draws with replacement, the same for the same seed and r, at any number of threads.
std::vector<int> resample(long n, uint64_t seed, uint32_t r);

// The q-quantile of a sample, by linear interpolation between order statistics (type 7 of Hyndman, Fan 1996).
// Error: an empty sample, q outside of [0, 1].
double quantile(std::vector<double> sample, double q);

// What resampled differences d_i (n of them) say of the observed one, D (Efron, Tibshirani 1993):
//   interval      their quantiles alpha / 2 and 1 - alpha / 2       error   their standard deviation, over n - 1
//   not_better    the share of d_i <= 0                  two_sided   (#{|d_i - mean d| >= |D|} + 1) / (n + 1)
struct Bootstrap {
  double difference = 0, error = 0, not_better = 1, two_sided = 1;
  Bounds interval;
};
Bootstrap bootstrap_of(double difference, const std::vector<double>& resampled, double alpha = 0.05);

// The gain of b over a, two scores a text, by the same resampled texts; rows[r]: those of resample r.
//   a, b [n]   ->   D = mean(b) - mean(a)
Bootstrap paired_bootstrap(const std::vector<double>& a, const std::vector<double>& b,
                           const std::vector<std::vector<int>>& rows, double alpha = 0.05);

}  // namespace score
