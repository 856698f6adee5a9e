// Figures of translations. Read tasks/score/bleu.h first.
#include "tasks/translate/scoring.h"

#include <fmt/format.h>

#include "engine/base.h"

#include "tasks/run/arguments.h"

namespace translate {

using engine::check;

void ScoreOptions::declare(run::Options& options) {
  const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("Scores");
  };
  add("--tokenize", tokenize, "of BLEU: 13a; intl; zh; char; none, of text that is tokenised already")
      .one_of({"13a", "intl", "zh", "char", "none"});
  add("--lowercase-scores", lowercase, "both sides are lower-cased before they are compared");
  add("--smooth", smooth, "of BLEU, where an order has no match: exp, floor, add-k, none")
      .one_of({"exp", "floor", "add-k", "none"});
  add("--smooth-value", smooth_value, "of floor and add-k; default 0.1 and 1")
      .only_with("--smooth", {"floor", "add-k"})
      .positive();
  add("--force", force, "score text that looks tokenised as it is");
}

score::BleuOptions ScoreOptions::bleu() const {
  return {.tokenizer = tokenize,
          .lowercase = lowercase,
          .smoothing = score::smoothing_named(smooth),
          .smooth_value = smooth_value};
}

std::vector<score::CorpusMetric> ScoreOptions::metrics() const {
  return {score::bleu(bleu()), score::chrf({.lowercase = lowercase}),
          score::chrf({.word_order = 2, .lowercase = lowercase})};
}

void ScoreOptions::check_raw(const std::vector<std::string>& texts, const std::string& name) const {
  const long tokenized = score::tokenized_lines(texts);
  check(force || tokenize == "none" || tokenized < 100,
        "{}: {} lines end in ' .': tokenised text, which {} would tokenise again; --tokenize none scores it as it is, "
        "--force all the same",
        name, tokenized, tokenize);
}

Scores score_texts(const std::vector<std::string>& hypotheses, const std::vector<std::vector<std::string>>& references,
                   const ScoreOptions& o) {
  Scores scores;
  const std::vector<score::CorpusMetric> metrics = o.metrics();
  for (const score::CorpusMetric& metric : metrics)
    scores.signatures.push_back(signature(metric, references.empty() ? 0 : references[0].size()));
  const auto sums = [&](const score::CorpusMetric& m) {
    return score::sum_of(score::tally(m, hypotheses, references));
  };
  scores.bleu = score::bleu_of(sums(metrics[0]), o.bleu());
  scores.chrf2 = metrics[1].score(sums(metrics[1]));
  scores.chrfpp = metrics[2].score(sums(metrics[2]));
  return scores;
}

std::string Scores::text() const {
  std::string line = bleu.text();
  line.insert(4, "|" + signatures[0]);
  return fmt::format("{}\nchrF2|{} = {:.2f}\nchrF2++|{} = {:.2f}\n", line, signatures[1], chrf2, signatures[2], chrfpp);
}

nn::ordered_json Scores::json() const {
  nn::ordered_json all;
  const double of_each[] = {bleu.score, chrf2, chrfpp};
  for (size_t i = 0; const char* name : {"bleu", "chrf2", "chrf2pp"})
    all[name] = {{"score", of_each[i]}, {"signature", signatures[i]}}, ++i;
  return all;
}

std::string compare(const std::vector<std::string>& baseline, const std::vector<std::string>& system,
                    const std::vector<std::vector<std::string>>& references, const ScoreOptions& o, long resamples,
                    uint64_t seed, nn::ordered_json& result) {
  const auto rows = score::resamples(long(system.size()), resamples, seed);
  std::string text;
  for (const score::CorpusMetric& metric : o.metrics()) {
    const score::Comparison c =
        paired_bootstrap(metric, tally(metric, baseline, references), tally(metric, system, references), rows);
    const std::string test = fmt::format("bs:{}|seed:{}", resamples, seed);
    text += fmt::format(
        "{}|{}\n  baseline {:6.2f}  ({:.2f} ± {:.2f})\n  system   {:6.2f}  ({:.2f} ± {:.2f})  p = {:.4f}{}\n",
        metric.name, signature(metric, references[0].size(), test), c.baseline.score, c.baseline.mean, c.baseline.half,
        c.system.score, c.system.mean, c.system.half, c.p, c.p < 0.05 ? " *" : "");
    result[metric.name] = {{"baseline", c.baseline.score}, {"system", c.system.score}, {"p", c.p}};
  }
  return text;
}

}  // namespace translate
