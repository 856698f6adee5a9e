// Linear CKA by the products of features, C x C, which are smaller than those of texts, n x n. Read
// nn/loss/similarity.h first.
#include "nn/loss/similarity.h"

#include <cmath>

namespace nn {
namespace {

// |a^T b|_F
double product_norm(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (const real v : matmul(a, b, Transpose::first).to_vector()) sum += double(v) * double(v);
  return std::sqrt(sum);
}

// Without the columns' means, at a size of 1: products of large numbers stay finite.
Tensor centred(const Tensor& x) {
  const Tensor y = x - mean(x, 0);
  const double size = std::sqrt(double(sum(y * y).item()));
  return size > 0 ? y * real(1 / size) : y;
}

}  // namespace

double linear_cka(const Tensor& x, const Tensor& y) {
  check(x.shape().rank() == 2 && y.shape().rank() == 2 && x.dim(0) == y.dim(0) && x.dim(0) > 1,
        "linear_cka: both must be [n, columns] with the same n > 1 texts; got {} and {}", x, y);
  const NoGrad no_grad;
  const Tensor a = centred(x), b = centred(y);
  const double norms = product_norm(a, a) * product_norm(b, b);
  return norms > 0 ? std::pow(product_norm(b, a), 2) / norms : 0;
}

}  // namespace nn
