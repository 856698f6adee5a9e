// In scope or not, by vectors: Gaussians, neighbours, spheres. Read tasks/score/scope.h first: the formulas.
#include "tasks/score/scope.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tasks/score/nearest.h"
#include "tasks/score/order.h"

namespace score {

using engine::check;
using engine::real;
using engine::Tensor;

namespace {

struct Classes {
  std::vector<std::vector<double>> means;  // of the classes that have a vector
  std::vector<int> at;                     // [n], into means
};

Classes classes_of(const char* who, const Tensor& vectors, const std::vector<int>& classes) {
  check(vectors.shape().rank() == 2 && vectors.dim(0) > 0 && vectors.dim(0) == long(classes.size()),
        "{}: vectors [n, C] and n classes; got {} and {}", who, vectors, classes.size());
  check(*std::min_element(classes.begin(), classes.end()) >= 0, "{}: a class is negative", who);
  const long C = vectors.dim(1);
  const int K = *std::max_element(classes.begin(), classes.end()) + 1;
  std::vector<long> count(size_t(K), 0);
  for (const int k : classes) ++count[size_t(k)];
  std::vector<int> place(size_t(K), -1);
  Classes out;
  for (int k = 0; k < K; ++k)
    if (count[size_t(k)]) {
      place[size_t(k)] = int(out.means.size());
      out.means.emplace_back(size_t(C), 0.0);
    }
  for (size_t i = 0; i < classes.size(); ++i) {
    out.at.push_back(place[size_t(classes[i])]);
    std::vector<double>& mean = out.means[size_t(out.at[i])];
    for (long c = 0; c < C; ++c)
      mean[size_t(c)] += double(vectors.data()[long(i) * C + c]) / double(count[size_t(classes[i])]);
  }
  return out;
}

double squared_distance(const double* a, const double* b, long C) {
  double sum = 0;
  for (long c = 0; c < C; ++c) sum += (a[c] - b[c]) * (a[c] - b[c]);
  return sum;
}

std::vector<double> row_of(const Tensor& x, long i) {
  const long C = x.dim(1);
  return {x.data() + i * C, x.data() + (i + 1) * C};
}

void check_queries(const char* who, const Tensor& queries, size_t C) {
  check(queries.shape().rank() == 2 && queries.dim(1) == long(C), "{}: queries must be [Q, {}]; got {}", who, C,
        queries);
}

// S = L L^T in place of S, the lower half (Cholesky); S is positive definite.
void cholesky(std::vector<double>& s, long C) {
  for (long j = 0; j < C; ++j)
    for (long i = j; i < C; ++i) {
      double sum = s[size_t(i * C + j)];
      for (long k = 0; k < j; ++k) sum -= s[size_t(i * C + k)] * s[size_t(j * C + k)];
      check(i != j || sum > 0, "mahalanobis: the covariance cannot be inverted; are the vectors finite?");
      s[size_t(i * C + j)] = i == j ? std::sqrt(sum) : sum / s[size_t(j * C + j)];
    }
}

}  // namespace

Mahalanobis::Mahalanobis(const Tensor& vectors, const std::vector<int>& classes) {
  Classes all = classes_of("mahalanobis", vectors, classes);
  const long C = width_ = vectors.dim(1), n = vectors.dim(0);
  lower_.assign(size_t(C * C), 0);
  std::vector<double> d(static_cast<size_t>(C));
  for (long i = 0; i < n; ++i) {
    for (long c = 0; c < C; ++c)
      d[size_t(c)] = double(vectors.data()[i * C + c]) - all.means[size_t(all.at[size_t(i)])][size_t(c)];
    for (long r = 0; r < C; ++r)
      for (long c = 0; c <= r; ++c) lower_[size_t(r * C + c)] += d[size_t(r)] * d[size_t(c)] / double(n);
  }
  double trace = 0;
  for (long c = 0; c < C; ++c) trace += lower_[size_t(c * C + c)];
  for (long c = 0; c < C; ++c) lower_[size_t(c * C + c)] += std::max(1e-3 * trace / double(C), 1e-12);
  cholesky(lower_, C);
  for (std::vector<double>& mean : all.means) whiten(mean.data());
  means_ = std::move(all.means);
}

void Mahalanobis::whiten(double* row) const {
  for (long i = 0; i < width_; ++i) {
    double sum = row[i];
    for (long k = 0; k < i; ++k) sum -= lower_[size_t(i * width_ + k)] * row[k];
    row[i] = sum / lower_[size_t(i * width_ + i)];
  }
}

std::vector<double> Mahalanobis::scores(const Tensor& queries) const {
  check_queries("mahalanobis", queries, size_t(width_));
  std::vector<double> scores;
  for (long q = 0; q < queries.dim(0); ++q) {
    std::vector<double> z = row_of(queries, q);
    whiten(z.data());
    double least = std::numeric_limits<double>::infinity();
    for (const std::vector<double>& mean : means_)
      least = std::min(least, squared_distance(z.data(), mean.data(), width_));
    scores.push_back(-least);
  }
  return scores;
}

std::vector<double> neighbour_scores(const Tensor& queries, const Tensor& vectors, long k) {
  check(k >= 1 && vectors.dim(0) > 0, "neighbour_scores: k from 1 and a vector at least; got k {} and {}", k, vectors);
  const Neighbours found = nearest(queries, vectors, k);
  std::vector<double> scores;
  for (long q = 0; q < queries.dim(0); ++q)
    scores.push_back(-std::sqrt(std::max(0.0, 2 - 2 * double(found.score[size_t((q + 1) * found.k - 1)]))));
  return scores;
}

Spheres::Spheres(const Tensor& vectors, const std::vector<int>& classes) {
  Classes all = classes_of("spheres", vectors, classes);
  std::vector<std::vector<double>> distances(all.means.size());
  for (long i = 0; i < vectors.dim(0); ++i) {
    const size_t k = size_t(all.at[size_t(i)]);
    const std::vector<double> z = row_of(vectors, i);
    distances[k].push_back(std::sqrt(squared_distance(z.data(), all.means[k].data(), vectors.dim(1))));
  }
  for (const std::vector<double>& d : distances) radii_.push_back(kth_smallest(d, (long(d.size()) + 1) / 2));
  centres_ = std::move(all.means);
}

std::vector<double> Spheres::scores(const Tensor& queries) const {
  check_queries("spheres", queries, centres_[0].size());
  std::vector<double> scores;
  for (long q = 0; q < queries.dim(0); ++q) {
    const std::vector<double> z = row_of(queries, q);
    double least = std::numeric_limits<double>::infinity(), score = 0;
    for (size_t k = 0; k < centres_.size(); ++k) {
      const double d = squared_distance(z.data(), centres_[k].data(), queries.dim(1));
      if (d >= least) continue;
      least = d;
      score = radii_[k] - std::sqrt(d);
    }
    scores.push_back(score);
  }
  return scores;
}

}  // namespace score
