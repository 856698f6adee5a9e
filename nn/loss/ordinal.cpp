// CORAL as a composition of the engine's ops. Read nn/loss/ordinal.h first: the formulas.
#include "nn/loss/ordinal.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace nn {

Tensor coral(const Tensor& logits, const Indices& classes) {
  check(logits.shape().rank() == 2 && logits.dim(0) == long(classes.size()),
        "coral: logits must be [B, K - 1], a row for each of the {} classes; got {}", classes.size(), logits);
  const long B = logits.dim(0), questions = logits.dim(1);
  Tensor above(logits.shape());  // [y_i > k]
  for (long i = 0; i < B; ++i) {
    check(classes[i] >= 0 && classes[i] <= questions, "coral: classes are 0 to {}; got {} at text {}", questions,
          classes[i], i);
    for (long k = 0; k < questions; ++k) above.data()[i * questions + k] = classes[i] > k;
  }
  return binary_cross_entropy_with_logits(logits, above) * real(questions);  // a sum over k, not a mean
}

Indices ranks_of(const Tensor& logits) {
  Indices ranks;
  const long questions = logits.dim(1);
  for (long i = 0; i < logits.dim(0); ++i) {
    const real* x = logits.data() + i * questions;
    ranks.push_back(int(std::count_if(x, x + questions, [](real v) { return v > 0; })));  // sigmoid(v) > 1/2
  }
  return ranks;
}

Tensor class_shares(const Tensor& logits) {
  const long B = logits.dim(0), K = logits.dim(1) + 1;
  Tensor shares({B, K});
  for (long i = 0; i < B; ++i) {
    real above = 1;  // P(y > k - 1)
    for (long k = 0; k < K; ++k) {
      const real x = k + 1 < K ? logits.data()[i * (K - 1) + k] : real(-INFINITY);
      const real next = std::min(above, real(1 / (1 + std::exp(-double(x)))));
      shares.data()[i * K + k] = above - next;
      above = next;
    }
  }
  return shares;
}

std::vector<real> first_biases(const std::vector<long>& counts) {
  std::vector<real> biases;
  const double all = double(std::accumulate(counts.begin(), counts.end(), 0L));
  double below = 0;  // texts of class k or lower
  for (size_t k = 0; k + 1 < counts.size(); ++k) {
    below += double(counts[k]);
    biases.push_back(real(std::log((all - below + 0.5) / (below + 0.5))));
  }
  return biases;
}

}  // namespace nn
