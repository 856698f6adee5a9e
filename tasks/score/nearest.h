// Exact search: the k nearest of many vectors by one matrix product, block by block. Recall is 1.
#pragma once

#include <vector>

#include "engine/tensor.h"

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

}  // namespace score
