// Words taken away and put back: occlusion, Shapley values, and how faithful an order of words is. Numbers in, numbers
// out: what a coalition of words is worth, the caller says.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/ops.h"

namespace attribution {

// Which of M words are there.
using Coalition = std::vector<bool>;
// What each of these coalitions is worth. They are asked about many at a time, so that they can run as batches.
using Worth = std::function<std::vector<double>(const std::vector<Coalition>&)>;

// v(all) - v(all but i).    M words -> [M]
std::vector<double> occlusion(long words, const Worth& worth);

struct Shapley {
  std::vector<double> shares;  // [M]; their sum is `all` - `none`
  std::vector<double> errors;  // [M] standard errors; of the exact ones 0
  double all = 0, none = 0;    // v(all words), v(no word)
  bool exact = true;
};
constexpr long kExactWords = 12;

// By all 2^M coalitions. Error: more than 20 words.
Shapley shapley_exact(long words, const Worth& worth);
// By `pairs` random orders and their reverses. Error: fewer than 2.
Shapley shapley_sampled(long words, long pairs, uint64_t seed, const Worth& worth);
// Exact up to kExactWords, else sampled.
Shapley shapley(long words, long pairs, uint64_t seed, const Worth& worth);

// How faithful an order of words is, the first the most important.
struct Faithfulness {
  double probability = 0;                                   // of the class, all words there
  std::vector<double> comprehensiveness, sufficiency;       // by fraction
  double comprehensiveness_aopc = 0, sufficiency_aopc = 0;  // plain means over the fractions
};
inline const std::vector<double> kFractions{0.01, 0.05, 0.1, 0.2, 0.5};
// `order`: all words, each once; `worth`: the probability of the class that is predicted for the whole text.
Faithfulness faithfulness(const std::vector<int>& order, const std::vector<double>& fractions, const Worth& worth);

}  // namespace attribution
