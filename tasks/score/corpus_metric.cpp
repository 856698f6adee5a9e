// Counts over a corpus, and what chance makes of two systems. Read tasks/score/bleu.h next: where the counts come from.
#include "tasks/score/corpus_metric.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/base.h"
#include "engine/random.h"
#include "tasks/score/intervals.h"

namespace score {

using engine::check;

std::vector<Tallies> tally(const CorpusMetric& metric, const std::vector<std::string>& hypotheses,
                           const std::vector<std::vector<std::string>>& references) {
  check(hypotheses.size() == references.size(), "{}: {} hypotheses and references for {}", metric.name,
        hypotheses.size(), references.size());
  std::vector<Tallies> sentences;
  for (size_t i = 0; i < hypotheses.size(); ++i) {
    check(!references[i].empty() && references[i].size() == references[0].size(),
          "{}: sentence {} has {} references, the first one {}; at least one, and as many for each", metric.name, i,
          references[i].size(), references[0].size());
    sentences.push_back(metric.count(hypotheses[i], references[i]));
  }
  return sentences;
}

Tallies sum_of(const std::vector<Tallies>& sentences) {
  check(!sentences.empty(), "a corpus metric needs one sentence at least");
  Tallies sums(sentences[0].size());
  for (const Tallies& s : sentences)
    std::transform(sums.begin(), sums.end(), s.begin(), sums.begin(), std::plus<long>());
  return sums;
}

std::string signature(const CorpusMetric& metric, size_t references, const std::string& test) {
  return metric.settings(fmt::format("nrefs:{}|{}", references, test.empty() ? "" : test + "|")) + "|version:2.6.0";
}

namespace {

double score_of(const CorpusMetric& metric, const std::vector<Tallies>& sentences, const std::vector<int>& rows) {
  Tallies sums(sentences[0].size());
  for (const int row : rows) {
    check(row >= 0 && row < int(sentences.size()), "bootstrap: sentence {} of {} is drawn", row, sentences.size());
    std::transform(sums.begin(), sums.end(), sentences[row].begin(), sums.begin(), std::plus<long>());
  }
  return metric.score(sums);
}

Resampled spread(double score, std::vector<double> scores) {
  const double mean = mean_of(scores);
  std::sort(scores.begin(), scores.end());
  const size_t low = scores.size() / 40;
  return {score, mean, (scores[scores.size() - low - 1] - scores[low]) / 2};
}

}  // namespace

Comparison paired_bootstrap(const CorpusMetric& metric, const std::vector<Tallies>& baseline,
                            const std::vector<Tallies>& system, const std::vector<std::vector<int>>& rows) {
  check(baseline.size() == system.size() && !rows.empty(),
        "bootstrap: two systems on the same sentences, and a resample; got {} and {} sentences and {} resamples",
        baseline.size(), system.size(), rows.size());
  std::vector<double> of_baseline, of_system, sizes;
  for (const std::vector<int>& resample : rows) {
    of_baseline.push_back(score_of(metric, baseline, resample));
    of_system.push_back(score_of(metric, system, resample));
    sizes.push_back(std::abs(of_system.back() - of_baseline.back()));
  }
  const double first = metric.score(sum_of(baseline)), second = metric.score(sum_of(system)), mean = mean_of(sizes);
  const auto beyond =
      std::count_if(sizes.begin(), sizes.end(), [&](double d) { return d - mean > std::abs(second - first); });
  return {spread(first, of_baseline), spread(second, of_system), double(beyond + 1) / double(rows.size() + 1)};
}

std::vector<std::vector<int>> resamples(long sentences, long count, uint64_t seed) {
  check(sentences > 0 && count > 0, "bootstrap: sentences and resamples are needed; got {} and {}", sentences, count);
  std::vector<std::vector<int>> rows(count, std::vector<int>(sentences));
  std::vector<uint32_t> words(sentences);
  for (long i = 0; i < count; ++i) {
    engine::Random{seed, engine::Stream::sample, uint32_t(i)}.words(0, sentences, words.data());
    for (long j = 0; j < sentences; ++j) rows[i][j] = int(uint64_t(words[j]) * uint64_t(sentences) >> 32);
  }
  return rows;
}

}  // namespace score
