// CorpusMetric: a score of translations that is made of counts, which are added up over the sentences of a corpus.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace score {

// The counts of a sentence, or their sums over a corpus. Whole numbers.
using Tallies = std::vector<long>;

struct CorpusMetric {
  std::string name;  // BLEU, chrF2, chrF2++
  std::function<Tallies(const std::string& hypothesis, const std::vector<std::string>& references)> count;
  std::function<double(const Tallies& sums)> score;                // 0 ... 100
  std::function<std::string(const std::string& before)> settings;  // "case:mixed|...", what sacreBLEU's signature says
};

// references[i] are those of hypotheses[i], as many for each. Error: lists of different length.
std::vector<Tallies> tally(const CorpusMetric& metric, const std::vector<std::string>& hypotheses,
                           const std::vector<std::vector<std::string>>& references);
Tallies sum_of(const std::vector<Tallies>& sentences);
// As sacreBLEU writes it: "nrefs:1|case:mixed|...|version:2.6.0"; `test`, as "bs:1000|seed:12345", behind nrefs.
std::string signature(const CorpusMetric& metric, size_t references, const std::string& test = "");

// Two systems beside each other on the same sentences.
struct Resampled {
  double score = 0, mean = 0, half = 0;  // of the corpus; the mean over the resamples, and half of their 95 % span
};
struct Comparison {
  Resampled baseline, system;
  double p = 1;
};
// Paired bootstrap (Koehn 2004, as sacreBLEU has it): every resample draws as many sentences as there are, with
// replacement, for both. With d the difference of the scores and d_i its size in resample i of n,
//   p = (1 + #{i: |d_i| - mean |d| > |d|}) / (n + 1);   half = (s_hi - s_lo) / 2, the n/40-th from either end
// Error: systems of different length, a resample that names no sentence.
Comparison paired_bootstrap(const CorpusMetric& metric, const std::vector<Tallies>& baseline,
                            const std::vector<Tallies>& system, const std::vector<std::vector<int>>& resamples);
// `count` lists of `sentences` numbers below `sentences`, by the seed.
std::vector<std::vector<int>> resamples(long sentences, long count, uint64_t seed);

}  // namespace score
