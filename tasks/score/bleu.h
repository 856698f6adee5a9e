// BLEU (Papineni, Roukos, Ward, Zhu 2002) and chrF (Popovic 2015, 2017), with sacreBLEU's settings, signatures and
// figures (Post 2018).
#pragma once

#include <array>
#include <optional>

#include "tasks/score/corpus_metric.h"

namespace score {

enum class Smoothing { none, floor, add_k, exp };
struct BleuOptions {
  std::string tokenizer = "13a";  // score/bleu_tokens.h
  bool lowercase = false;
  Smoothing smoothing = Smoothing::exp;
  std::optional<double> smooth_value = {};  // of floor 0.1, of add-k 1
  bool effective_order = false;             // orders that the hypothesis is too short for do not count: for sentences
  int order = 4;
  double value() const { return smooth_value.value_or(smoothing == Smoothing::floor ? 0.1 : 1); }
};
Smoothing smoothing_named(const std::string& name);  // none, floor, add-k, exp

struct BleuScore {
  double score = 0, brevity_penalty = 1;
  std::vector<double> counts, totals, precisions;  // by order; with add-k after adding; precisions in percent
  long hypothesis_length = 0, reference_length = 0;
  std::string text() const;  // "BLEU = 41.02 71.0/47.5/34.3/24.5 (BP = 0.999 ratio = 0.999 hyp_len = ...)"
};

// The counts of bleu(): hypothesis length, reference length, matches of each order, n-grams of each order.
BleuScore bleu_of(const Tallies& sums, const BleuOptions& options);
CorpusMetric bleu(const BleuOptions& options = {});

struct ChrfOptions {
  int char_order = 6, word_order = 0;  // word_order 2: chrF++
  double beta = 2;
  bool lowercase = false, whitespace = false;
  bool eps_smoothing = false;  // as chrF++.py: orders that do not occur count, too
};
// The counts: of each order n-grams of the hypothesis, of the reference, and matches; characters, then words.
CorpusMetric chrf(const ChrfOptions& options = {});

// Lines that end in a full stop behind a blank: text that has been tokenised, which must not be tokenised again.
long tokenized_lines(const std::vector<std::string>& lines);

}  // namespace score
