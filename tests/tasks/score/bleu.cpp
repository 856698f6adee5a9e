// BLEU and chrF against sacreBLEU 2.6: tokens, counts, every figure to the last digit, signatures, the paired
// bootstrap.
#include "tasks/score/bleu.h"
#include "nn/format/json_value.h"

#include "nn/format/files.h"
#include "tasks/score/bleu_tokens.h"
#include "tests/support/support.h"

using namespace score;
using nn::json;

namespace {

json bleu_values() { return json::parse(nn::read_file(test::golden_path("bleu.json"))); }

// Streams of references as the file has them: every stream a list of sentences.
std::vector<std::vector<std::string>> by_sentence(const json& streams) {
  std::vector<std::vector<std::string>> references(streams[0].size());
  for (const json& stream : streams)
    for (size_t i = 0; i < stream.size(); ++i) references[i].push_back(stream[i]);
  return references;
}

template <class T>
void take(const json& from, const char* key, T& to) {
  if (from.contains(key) && !from[key].is_null()) to = from[key];
}

BleuOptions bleu_options(const json& from) {
  BleuOptions o;
  std::string smoothing = "exp";
  take(from, "tokenize", o.tokenizer);
  take(from, "lowercase", o.lowercase);
  take(from, "smooth_method", smoothing);
  take(from, "effective_order", o.effective_order);
  take(from, "max_ngram_order", o.order);
  o.smoothing = smoothing_named(smoothing);
  if (from.contains("smooth_value") && !from["smooth_value"].is_null()) o.smooth_value = from["smooth_value"];
  return o;
}

ChrfOptions chrf_options(const json& from) {
  ChrfOptions o;
  take(from, "char_order", o.char_order);
  take(from, "word_order", o.word_order);
  take(from, "beta", o.beta);
  take(from, "lowercase", o.lowercase);
  take(from, "whitespace", o.whitespace);
  take(from, "eps_smoothing", o.eps_smoothing);
  return o;
}

void expect_score(const BleuScore& s, const json& want) {
  CHECK(s.score == want["score"].get<double>());
  CHECK(s.counts == want["counts"].get<std::vector<double>>());
  CHECK(s.totals == want["totals"].get<std::vector<double>>());
  CHECK(s.precisions == want["precisions"].get<std::vector<double>>());
  CHECK(s.brevity_penalty == want["brevity_penalty"].get<double>());
  CHECK(s.hypothesis_length == want["hypothesis_length"].get<long>());
  CHECK(s.reference_length == want["reference_length"].get<long>());
}

}  // namespace

TEST_CASE("bleu: golden: the tokenisers make sacreBLEU's tokens of every text") {
  const json file = bleu_values();
  for (const json& c : file["tokenized"])
    CHECK(bleu_tokens(c["tokenize"], c["text"].get<std::string>()) == c["result"].get<std::string>());
  CHECK(bleu_tokens("13a", "The cat sat on the mat, at 3.5 km/h - \"really\"? 1-2 A.B. x,y 5,000.") ==
        "The cat sat on the mat , at 3.5 km / h - \" really \" ? 1 - 2 A . B . x , y 5,000 .");
  CHECK(test::error_of([] { bleu_tokens("14a", "x"); }) ==
        "bleu: tokeniser '14a' is not one of 13a, intl, zh, char, none");
}

TEST_CASE("bleu: golden: corpus scores, counts and signatures are sacreBLEU's to the last digit") {
  const json file = bleu_values();
  for (const json& c : file["corpus"]) {
    CAPTURE(c["name"].get<std::string>());
    const BleuOptions options = bleu_options(c["options"]);
    const CorpusMetric metric = bleu(options);
    const std::vector<Tallies> sentences = tally(metric, c["hypotheses"], by_sentence(c["references"]));
    for (size_t i = 0; i < sentences.size(); ++i) CHECK(sentences[i] == c["sentence_statistics"][i].get<Tallies>());
    expect_score(bleu_of(sum_of(sentences), options), c);
    CHECK(signature(metric, c["references"].size()) == c["signature"].get<std::string>());
  }
}

TEST_CASE("bleu: golden: sentence scores, with every smoothing, with and without the effective order") {
  const json file = bleu_values();
  for (const json& c : file["sentence"]) {
    const BleuOptions options = bleu_options(c);
    const Tallies tallies = bleu(options).count(c["hypothesis"], {c["reference"].get<std::string>()});
    expect_score(bleu_of(tallies, options), c);
  }
}

TEST_CASE("chrf: golden: scores, counts and signatures are sacreBLEU's to the last digit") {
  const json file = bleu_values();
  for (const json& c : file["chrf"]) {
    CAPTURE(c["name"].get<std::string>());
    CAPTURE(c["signature"].get<std::string>());
    const CorpusMetric metric = chrf(chrf_options(c["options"]));
    CHECK(metric.name == c["metric"].get<std::string>());
    const std::vector<Tallies> sentences = tally(metric, c["hypotheses"], by_sentence(c["references"]));
    for (size_t i = 0; i < sentences.size(); ++i) {
      CHECK(sentences[i] == c["sentence_statistics_hyp_ref_match_per_order"][i].get<Tallies>());
      CHECK(metric.score(sentences[i]) == c["sentence_scores"][i].get<double>());
    }
    CHECK(metric.score(sum_of(sentences)) == c["score"].get<double>());
    CHECK(signature(metric, c["references"].size()) == c["signature"].get<std::string>());
  }
}

TEST_CASE("bleu: golden: the paired bootstrap's p, means and intervals over given resamples") {
  const json file = bleu_values();
  const json& paired = file["paired"];
  const auto references = by_sentence(paired["references"]);
  for (const json& want : paired["results"]) {
    if (want["test"] != "paired bootstrap" || want["metric"] == "TER") continue;  // neither is here
    const CorpusMetric metric = want["metric"] == "BLEU" ? bleu() : chrf({.word_order = 2});
    const Comparison c =
        paired_bootstrap(metric, tally(metric, paired["hypotheses_baseline"], references),
                         tally(metric, paired["hypotheses_system"], references), paired["bootstrap_rows"]);
    CHECK(c.p == want["system"]["p_value"].get<double>());
    for (const auto& [got, name] : {std::pair{c.baseline, "baseline"}, {c.system, "system"}}) {
      CHECK(got.score == want[name]["score"].get<double>());
      CHECK(got.mean == doctest::Approx(want[name]["mean"].get<double>()).epsilon(1e-4));  // summed in float32 there
      CHECK(got.half == doctest::Approx(want[name]["ci"].get<double>()).epsilon(1e-4));
    }
    const std::string test = fmt::format("bs:{}|seed:{}", paired["samples"].get<int>(), paired["seed"].get<int>());
    CHECK(signature(metric, 1, test) == want["signature"].get<std::string>());
  }
}

TEST_CASE("bleu: resamples depend on the seed, cover the sentences and are refused where they name none") {
  const auto rows = resamples(7, 100, 1);
  CHECK(rows == resamples(7, 100, 1));
  CHECK(rows != resamples(7, 100, 2));
  std::vector<int> times(7);
  for (const auto& resample : rows)
    for (const int row : resample) ++times.at(row);
  for (const int n : times) CHECK((n > 60 && n < 140));  // 100 expected, deviation below 10
  const CorpusMetric metric = bleu();
  const std::vector<Tallies> one = tally(metric, {"a"}, {{"a"}});
  CHECK(test::error_of([&] { paired_bootstrap(metric, one, one, {{1}}); }) == "bootstrap: sentence 1 of 1 is drawn");
  CHECK(test::error_of([&] { tally(metric, {"a", "b"}, {{"a"}}); }) == "BLEU: 2 hypotheses and references for 1");
}

TEST_CASE("bleu: lines of tokenised text are seen by their last full stop") {
  CHECK(tokenized_lines({"A cat .", "A cat.", "It ends. \n", " .", ".", "", "So . \n"}) == 3);
}
