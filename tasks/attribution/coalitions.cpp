// What coalitions of words are worth, made into shares. Read engine/random.h first: orders that a seed decides.
#include "tasks/attribution/coalitions.h"

#include <algorithm>
#include <cmath>

#include "tasks/score/intervals.h"

namespace attribution {

using engine::check;

// Occlusion (Zeiler, Fergus 2014), also called erasure (Li, Monroe, Jurafsky 2016).     share_i = v(M) - v(M \ {i})
std::vector<double> occlusion(long words, const Worth& worth) {
  std::vector<Coalition> asked{Coalition(size_t(words), true)};
  for (long i = 0; i < words; ++i) {
    asked.push_back(asked[0]);
    asked.back()[size_t(i)] = false;
  }
  const std::vector<double> v = worth(asked);
  std::vector<double> shares;
  for (long i = 0; i < words; ++i) shares.push_back(v[0] - v[size_t(i) + 1]);
  return shares;
}

// Shapley values (Shapley 1953; of a model's inputs: Lundberg, Lee 2017).
//   share_i = sum over S without i of |S|! (M - |S| - 1)! / M! (v(S + i) - v(S))                       2^M values of v
// They are the only shares that add up to v(M) - v({}), give equal words equal shares and a word that does nothing 0,
// and are linear in v.
Shapley shapley_exact(long words, const Worth& worth) {
  check(words <= 20, "shapley_exact: at most 20 words, of which there are 2^M coalitions; got {}", words);
  const size_t M = size_t(words), coalitions = size_t(1) << M;
  std::vector<Coalition> asked(coalitions, Coalition(M));
  for (size_t bits = 0; bits < coalitions; ++bits)
    for (size_t i = 0; i < M; ++i) asked[bits][i] = bits >> i & 1;
  const std::vector<double> v = worth(asked);
  std::vector<double> weight(M);  // by |S|
  for (size_t s = 0; s < M; ++s)
    weight[s] = std::exp(std::lgamma(double(s) + 1) + std::lgamma(double(M - s)) - std::lgamma(double(M) + 1));
  Shapley result{std::vector<double>(M), std::vector<double>(M), v.back(), v.front()};
  for (size_t bits = 0; bits < coalitions; ++bits)
    for (size_t i = 0; i < M; ++i)
      if (!(bits >> i & 1))
        result.shares[i] += weight[size_t(__builtin_popcountll(bits))] * (v[bits | size_t(1) << i] - v[bits]);
  return result;
}

// The same by sampling orders in which the words come in (Castro, Gomez, Tejada 2009), each with its reverse, which
// halves what an order alone would err by where v is nearly a sum (Mitchell, Cooper, Frank, Holmes 2022).
//   share_i = mean over the pairs of (g_i + g'_i) / 2,   g_i = v(those before i, and i) - v(those before i)
// Without bias. The shares add up to v(M) - v({}) in every order, and so do their means. The standard error is that of
// the mean over the pairs.
Shapley shapley_sampled(long words, long pairs, uint64_t seed, const Worth& worth) {
  check(pairs >= 2, "shapley_sampled: at least 2 pairs of orders, for a standard error; got {}", pairs);
  const size_t M = size_t(words);
  std::vector<std::vector<double>> gains(M);  // [M][pairs]
  Shapley result{std::vector<double>(M), std::vector<double>(M)};
  result.exact = false;
  const std::vector<double> ends = worth({Coalition(M, true), Coalition(M)});
  result.all = ends[0];
  result.none = ends[1];
  for (long pair = 0; pair < pairs; ++pair) {
    std::vector<int> order =
        engine::permutation(int(words), {seed, engine::Stream::sample, uint32_t(pair), uint32_t(words)});
    std::vector<Coalition> asked;
    for (int turn = 0; turn < 2; ++turn, std::reverse(order.begin(), order.end())) {
      Coalition there(M);
      for (size_t i = 0; i + 1 < M; ++i) {
        there[size_t(order[i])] = true;
        asked.push_back(there);
      }
    }
    const std::vector<double> v = worth(asked);
    std::vector<double> gain(M);
    for (size_t turn = 0; turn < 2; ++turn, std::reverse(order.begin(), order.end())) {
      double before = result.none;
      for (size_t i = 0; i < M; ++i) {
        const double now = i + 1 < M ? v[turn * (M - 1) + i] : result.all;
        gain[size_t(order[i])] += (now - before) / 2;
        before = now;
      }
    }
    for (size_t i = 0; i < M; ++i) gains[i].push_back(gain[i]);
  }
  for (size_t i = 0; i < M; ++i) {
    double sum = 0;
    for (const double gain : gains[i]) sum += gain;
    result.shares[i] = sum / double(pairs);
    result.errors[i] = score::deviation(gains[i]) / std::sqrt(double(pairs));
  }
  return result;
}

Shapley shapley(long words, long pairs, uint64_t seed, const Worth& worth) {
  return words <= kExactWords ? shapley_exact(words, worth) : shapley_sampled(words, pairs, seed, worth);
}

// Comprehensiveness and sufficiency (DeYoung et al. 2020, "ERASER: a benchmark to evaluate rationalized NLP models").
// Of M words the r first of the order, r = max(1, floor(f M + 1/2)) for a fraction f:
//   comprehensiveness = p(all) - p(all but r): what is lost without them, more is better
//   sufficiency       = p(all) - p(r alone): what is lost with nothing else, less is better
//   aopc              = the mean over the fractions, as their program has it; their paper divides by one more
Faithfulness faithfulness(const std::vector<int>& order, const std::vector<double>& fractions, const Worth& worth) {
  const size_t M = order.size();
  check(M > 0 && !fractions.empty(), "faithfulness: an order of words and fractions; got {} and {}", M,
        fractions.size());
  std::vector<Coalition> asked{Coalition(M, true)};
  for (const double f : fractions) {
    const size_t r = size_t(std::max(1.0, std::floor(f * double(M) + 0.5)));
    Coalition without(M, true), only(M);
    for (size_t i = 0; i < std::min(r, M); ++i) {
      without[size_t(order[i])] = false;
      only[size_t(order[i])] = true;
    }
    asked.push_back(std::move(without));
    asked.push_back(std::move(only));
  }
  const std::vector<double> p = worth(asked);
  Faithfulness result{p[0], {}, {}};
  for (size_t i = 0; i < fractions.size(); ++i) {
    result.comprehensiveness.push_back(p[0] - p[2 * i + 1]);
    result.sufficiency.push_back(p[0] - p[2 * i + 2]);
    result.comprehensiveness_aopc += result.comprehensiveness.back() / double(fractions.size());
    result.sufficiency_aopc += result.sufficiency.back() / double(fractions.size());
  }
  return result;
}

}  // namespace attribution
