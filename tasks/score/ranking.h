// Retrieval: how often the nearest vector is the right one.
#pragma once

#include "engine/tensor.h"

namespace score {

struct Retrieval {
  double accuracy = 0;  // the share of queries whose own candidate is the nearest
  double mrr = 0;       // mean reciprocal rank of the own candidate (Voorhees 1999)
};

// Query i belongs to candidate i; near is a large cosine. Another candidate as near as the own one stands before it.
//   queries [n, C], candidates [n, C]
Retrieval retrieve(const engine::Tensor& queries, const engine::Tensor& candidates);

}  // namespace score
