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
//   |q . v - (q . m + r . w)| <= |q| |v - m - w| + |w| |q - r| =: d (Cauchy, Schwarz), each at its largest over v
// so that whatever lies more than 2 d below the k-th best r . w is none of them. Where the vectors lie so near each
// other that this spares nothing it is a plain search.    vectors [N, C], finite; they must not change
class NearestIndex {
 public:
  explicit NearestIndex(const engine::Tensor& vectors);
  Neighbours operator()(const engine::Tensor& queries, long k) const;
  const engine::Tensor& vectors() const { return vectors_; }

 private:
  engine::Tensor vectors_;
  std::shared_ptr<const engine::PackedLinear> copies_;  // of v - m; none where there are no vectors
  double farthest_ = 0, longest_ = 0, most_ = 0;        // the largest |v - m - w|, |w|, |v|
};

}  // namespace score
