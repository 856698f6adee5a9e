// Measuring translations: BLEU, chrF2 and chrF++ of texts, one system or two beside each other.
#pragma once

#include "nn/format/json_value.h"
#include "tasks/run/options.h"
#include "tasks/score/bleu.h"

namespace translate {

struct ScoreOptions {
  std::string tokenize = "13a", smooth = "exp";
  std::optional<double> smooth_value;
  bool lowercase = false, force = false;
  void declare(run::Options& options);
  score::BleuOptions bleu() const;
  std::vector<score::CorpusMetric> metrics() const;  // BLEU, chrF2, chrF2++
  // Error, with the texts' name: many lines of tokenised text, which would be tokenised again, unless `force`.
  void check_raw(const std::vector<std::string>& texts, const std::string& name) const;
};

struct Scores {
  score::BleuScore bleu;
  double chrf2 = 0, chrfpp = 0;
  std::vector<std::string> signatures;
  std::string text() const;  // three lines, as sacreBLEU writes them
  nn::ordered_json json() const;
};
// Error: different numbers of lines.
Scores score_texts(const std::vector<std::string>& hypotheses, const std::vector<std::vector<std::string>>& references,
                   const ScoreOptions& options);

// Paired bootstrap of each metric.
std::string compare(const std::vector<std::string>& baseline, const std::vector<std::string>& system,
                    const std::vector<std::vector<std::string>>& references, const ScoreOptions& options,
                    long resamples, uint64_t seed, nn::ordered_json& result);

}  // namespace translate
