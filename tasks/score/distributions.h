// Distributions: tails of counts, and the quantiles that intervals need. Relative errors are about 1e-12, however small
// the share or p-value is: a tail is summed on its own side. Of large counts they grow, to 3e-11 at 1e5, 4e-10 at 1e6.
#pragma once

namespace score {

// A count's tails. mid = P(X > x) + P(X = x) / 2: of discrete p-values the one whose mean is 1/2.
struct Tails {
  double upper = 1;  // P(X >= x)
  double lower = 1;  // P(X <= x)
  double mid = 0.5;
  double at = 1;  // P(X = x)
};

// Poisson: P(X = x) = e^-m m^x / x!.      m = mean >= 0, x = 0, 1, 2, ...      Error, here and below: another x.
Tails poisson_tails(long x, double mean);

// Negative binomial of mean m and size r > 0, so that its variance is m + m^2 / r:
//   P(X = x) = Gamma(r + x) / (Gamma(r) x!) (r / (r + m))^r (m / (r + m))^x         r to infinity: Poisson
Tails negative_binomial_tails(long x, double mean, double size);

// Beta-binomial: of n texts x hold, each with the share s ~ Beta(a, b), a, b > 0 (Skellam 1948):
//   P(X = x) = n! / (x! (n - x)!) B(a + x, b + n - x) / B(a, b)
// With a = S + 1/2, b = O + 1/2 it says what n texts are like after S that held and O that did not.
Tails beta_binomial_tails(long x, long n, double a, double b);

// Binomial: of n texts x hold, each with probability p in [0, 1].
Tails binomial_tails(long x, long n, double p);

// I_x(a, b) = B(x; a, b) / B(a, b): the share of Beta(a, b) below x in [0, 1], a, b > 0. By the continued fraction of
// Lentz (Press et al. 2007, 6.4).
double beta_below(double x, double a, double b);
double beta_quantile(double share, double a, double b);  // the x with I_x(a, b) = share in [0, 1]

double normal_quantile(double share);  // the x with Phi(x) = share, share in (0, 1)
double chi_squared_1_above(double x);  // P(Z^2 > x) of a standard normal Z, x >= 0

}  // namespace score
