// Retrieval: how often the nearest vector is the right one.
#pragma once

#include <vector>

#include "engine/tensor.h"

namespace score {

struct Retrieval {
  double accuracy = 0;  // the share of queries whose own candidate is the nearest
  double mrr = 0;       // mean reciprocal rank of the own candidate (Voorhees 1999)
};

// Query i belongs to candidate i; near is a large cosine. Another candidate as near as the own one stands before it.
// The rank of every query's own candidate, from 1, and what follows from them; top_k.h has more that does.
//   queries [n, C], candidates [n, C]   ->   [n]
std::vector<double> own_ranks(const engine::Tensor& queries, const engine::Tensor& candidates);
Retrieval retrieve(const engine::Tensor& queries, const engine::Tensor& candidates);

}  // namespace score
