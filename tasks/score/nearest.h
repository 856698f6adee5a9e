// Exact search: the k nearest of many vectors by one matrix product, block by block. Recall is 1.
#pragma once

#include <memory>
#include <vector>

#include "engine/packed.h"

namespace score {

// Of every query q the k vectors v with the highest q . v, the nearest by cosine where all have unit length; equal
// scores keep the smaller index first, k > N: all N. In every row the scores fall.
//   queries [Q, C], vectors [N, C]   ->   index, score [Q, k]      Error: other widths, a product that is not a number
// 2 Q N C operations; memory beside the arguments: a tile a thread. The result does not depend on the number of
// threads; a score's last bit may depend on how many queries are asked together, as a product of other shape does.
struct Neighbours {
  long k = 0;
  std::vector<int> index;
  std::vector<engine::real> score;
  const int* of(long query) const { return index.data() + query * k; }
};
Neighbours nearest(const engine::Tensor& queries, const engine::Tensor& vectors, long k);

// The same of vectors that are asked often, from a quarter of the memory: products with int8 copies say which vectors
// can be among the k best, exact ones in what order. m is the vectors' mean, w ~ v - m and r ~ q the copies:
//   |q . v - (q . m + r . w)| <= |q| |v - m - w| + |w| |q - r| =: d_v      (Cauchy, Schwarz)
// so that a v whose r . w + d_v is below the k-th best r . w - d_v is none of them. Where the vectors lie so near each
// other that this spares nothing it is a plain search.    vectors [N, C], finite; they must not change
class NearestIndex {
 public:
  explicit NearestIndex(const engine::Tensor& vectors);
  Neighbours operator()(const engine::Tensor& queries, long k) const;
  const engine::Tensor& vectors() const { return vectors_; }
  // How many vectors the copies leave to exact products for one query.    query [1, C]
  long left(const engine::Tensor& query, long k) const { return long(candidates(query, k).size()); }

 private:
  std::vector<int> candidates(const engine::Tensor& query, long k) const;  // rising

  engine::Tensor vectors_;
  std::shared_ptr<const engine::PackedLinear> copies_;  // of v - m; none where there are no vectors
  std::vector<engine::real> errors_, lengths_;          // |v - m - w|, |w|
  double longest_ = 0;                                  // |v|
};

}  // namespace score
