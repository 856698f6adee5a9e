// Scope: how far a vector lies from those that a model was taught, class by class. Of every score larger is more in
// scope; confidence.h has those that need no vectors, separation.h what a score is worth.
#pragma once

#include <vector>

#include "engine/tensor.h"

namespace score {

// What is known: n vectors and the class, 0 ... K - 1, of each.    vectors [n, C], classes [n]
// Error: no vector, other sizes, a negative class.

// One Gaussian a class, all of one covariance (Lee, Lee, Lee, Shin 2018):
//   score(z) = -min_k (z - mu_k)^T S^-1 (z - mu_k),   S = 1/n sum_i (z_i - mu_y(i)) (z_i - mu_y(i))^T + r I
// r = 1e-3 tr(S) / C, so that S can be inverted where there are fewer vectors than dimensions; 1e-12 at least.
class Mahalanobis {
 public:
  Mahalanobis(const engine::Tensor& vectors, const std::vector<int>& classes);
  std::vector<double> scores(const engine::Tensor& queries) const;  // [Q, C] -> [Q]

 private:
  void whiten(double* row) const;  // row <- L^-1 row, S = L L^T

  long width_;
  std::vector<double> lower_;               // L, [C, C]
  std::vector<std::vector<double>> means_;  // of the classes that have a vector, whitened
};

// score(z) = -|z - v_(k)|, v_(k) the k-th nearest of n vectors (Sun, Ming, Zhu, Li 2022), all of unit length; k > n:
// the farthest.    queries [Q, C], vectors [n, C] -> [Q]
std::vector<double> neighbour_scores(const engine::Tensor& queries, const engine::Tensor& vectors, long k);

// A sphere a class, its centre the class's mean (Zhang, Xu, Lin 2021, "Deep Open Intent Classification with Adaptive
// Decision Boundary"). The published radius d_k is learned at the loss
//   mean_i [(|z_i - c_k| - d_k) 1(|z_i - c_k| > d_k) + (d_k - |z_i - c_k|) 1(|z_i - c_k| < d_k)]
//     = mean_i ||z_i - c_k| - d_k|
// over a class's vectors, whose minimum is the median of the distances: it is taken at once, of an even number the
// lower.
//   score(z) = d_k - |z - c_k|,   k the class of the nearest centre; below 0 z is outside
class Spheres {
 public:
  Spheres(const engine::Tensor& vectors, const std::vector<int>& classes);
  std::vector<double> scores(const engine::Tensor& queries) const;  // [Q, C] -> [Q]
  const std::vector<double>& radii() const { return radii_; }       // of the classes that have a vector

 private:
  std::vector<std::vector<double>> centres_;
  std::vector<double> radii_;
};

}  // namespace score
