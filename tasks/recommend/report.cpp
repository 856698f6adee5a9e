// What is measured on the test part. Read tasks/recommend/figures.h first.
#include "tasks/recommend/report.h"

#include <algorithm>
#include <cmath>

#include "engine/random.h"
#include "tasks/recommend/rerank.h"
#include "tasks/run/stopwatch.h"
#include "tasks/score/calibration.h"
#include "tasks/score/confidence.h"
#include "tasks/score/proportions.h"

namespace recommend {

using engine::Random;
using engine::Stream;

std::string table_of(const std::vector<Row>& rows, long k) {
  std::string text =
      fmt::format("{:<22} {:>6} {:>7} {:>7} {:>7} {:>7} {:>7} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6}\n",
                  fmt::format("lists of {}", k), "cases", "ndcg", "hr", "recall", "prec", "map", "mrr", "auc", "gauc",
                  "cover", "gini", "novel", "div", "tagdiv", "calib");
  for (const Row& row : rows) {
    const Figures& f = row.figures;
    text += fmt::format(
        "{:<22} {:>6} {:>7.4f} {:>7.4f} {:>7.4f} {:>7.4f} {:>7.4f} {:>6.3f} {:>6.3f} {:>6.3f} {:>6.3f} {:>6.3f} "
        "{:>6.2f} "
        "{:>6.3f} {:>6.3f} {:>6.3f}\n",
        row.name, f.cases, f.mean.ndcg, f.mean.hr, f.mean.recall, f.mean.precision, f.mean.map, f.mean.mrr, f.mean.auc,
        f.gauc, f.coverage, f.gini, f.novelty, f.diversity, f.tag_diversity, f.calibration);
  }
  return text;
}

std::string curve_table(const Row& plain, const std::vector<Row>& rows) {
  std::string text = fmt::format("{:<22} {:>7} {:>8} {:>7} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}\n", "re-ranked", "ndcg",
                                 "", "cover", "words", "", "tags", "", "vectors", "");
  const auto change = [](double x, double from) {
    return from > 0 ? fmt::format("{:+.1f} %", 100 * (x / from - 1)) : "";
  };
  const auto line = [&](const Row& row) {
    const Figures &f = row.figures, &p = plain.figures;
    text += fmt::format("{:<22} {:>7.4f} {:>8} {:>7.3f} {:>8.3f} {:>8} {:>8.3f} {:>8} {:>8.3f} {:>8}\n", row.name,
                        f.mean.ndcg, change(f.mean.ndcg, p.mean.ndcg), f.coverage, f.diversity,
                        change(f.diversity, p.diversity), f.tag_diversity, change(f.tag_diversity, p.tag_diversity),
                        f.vector_diversity, change(f.vector_diversity, p.vector_diversity));
  };
  line(plain);
  for (const Row& row : rows) line(row);
  return text;
}

namespace {

Scorer random_scorer(long items, uint64_t seed) {
  return [items, seed](Items history) {
    std::vector<uint32_t> words(static_cast<size_t>(items));
    const uint32_t call = history.empty() ? 0 : uint32_t(history.back()) * 31u + uint32_t(history.size());
    Random{seed, Stream::sample, 4, call}.words(0, items, words.data());
    return Scores(words.begin(), words.end());
  };
}

// Cases of users of whom nothing was known; and of all, the targets that nobody has taken.
std::vector<Case> cold_users(const std::vector<Case>& cases) {
  std::vector<Case> some;
  for (const Case& c : cases) some.push_back({c.user, c.history, c.history.empty() ? c.targets : std::vector<int>{}});
  return some;
}
std::vector<Case> cold_targets(const std::vector<Case>& cases, const std::vector<double>& counts) {
  std::vector<Case> some;
  for (const Case& c : cases) {
    Case& left = some.emplace_back(Case{c.user, c.history, {}});
    for (const int t : c.targets)
      if (counts[size_t(t)] == 0) left.targets.push_back(t);
  }
  return some;
}

void add_probabilities(const Recommender& r, const Split& split, const CaseScores& joined, long k, Report& to) {
  std::vector<double> p;
  std::vector<bool> right;
  for (size_t c = 0; c < split.test.size(); ++c) {
    const Case& one = split.test[c];
    const Scores scores = joined(c);
    for (const int item : top_items(scores, rankable(one, split.test_among, r.items()), k)) {
      p.push_back(r.joined.platt(scores[size_t(item)]));
      right.push_back(std::find(one.targets.begin(), one.targets.end(), item) != one.targets.end());
      to.said += p.back(), to.taken += right.back();
    }
  }
  to.probabilities = long(p.size());
  if (p.empty()) return;
  to.said /= double(p.size()), to.taken /= double(p.size());
  to.ece = score::ece(score::bins_of_width(p, right, 15));
  to.ece_perfect = score::ece_of_a_perfect_model(p, 15);
}

double log_share(ScoresOf scores, int item) { return scores[size_t(item)] - score::log_sum_exp(scores); }

// log_share() of items[n] for who has histories[n].    -> [n]
std::vector<double> log_shares_of(const Recommender& r, const std::vector<std::vector<int>>& histories,
                                  const std::vector<int>& items) {
  std::vector<double> shares(histories.size());
  std::vector<Case> cases;
  for (const std::vector<int>& history : histories) cases.push_back({.user = -1, .history = history, .targets = {}});
  for_each_case("reasons", {r.attention()}, cases, r.items(),
                [&](size_t c, const std::vector<ScoresOf>& scores) { shares[c] = log_share(scores[0], items[c]); });
  return shares;
}

// Of every history of three items and more: its first recommended item, the item that is named for it, and another one,
// drawn.
void add_faithfulness(const Recommender& r, const Split& split, const CaseScores& joined, uint64_t seed, Report& to) {
  std::vector<std::vector<int>> full, without_named, without_other;
  std::vector<int> shown;
  for (size_t c = 0; c < split.test.size(); ++c) {
    const Case& one = split.test[c];
    const size_t read = std::min(one.history.size(), size_t(r.sequence->config.positions));
    if (read < 3) continue;
    const std::vector<int> list = top_items(joined(c), rankable(one, split.test_among, r.items()), 1);
    if (list.empty()) continue;
    const std::vector<int> history(one.history.end() - long(read), one.history.end());
    const int named = reasons_for(r, history, list)[0].item;
    if (named < 0) continue;
    uint32_t word = 0;
    Random{seed, Stream::sample, 5, uint32_t(c)}.words(0, 1, &word);
    std::vector<int> others;
    for (const int item : history)
      if (item != named) others.push_back(item);
    const int other = others[word % others.size()];
    const auto without = [&](int item) {
      std::vector<int> left = history;
      std::erase(left, item);
      return left;
    };
    full.push_back(history), without_named.push_back(without(named)), without_other.push_back(without(other));
    shown.push_back(list[0]);
  }
  const std::vector<double> before = log_shares_of(r, full, shown), less_named = log_shares_of(r, without_named, shown),
                            less_other = log_shares_of(r, without_other, shown);
  for (size_t n = 0; n < shown.size(); ++n) {
    const double named = before[n] - less_named[n], other = before[n] - less_other[n];
    to.named_drop += named, to.other_drop += other, to.named_share += named > other;
  }
  to.explained = long(shown.size());
  if (shown.empty()) return;
  for (double* x : {&to.named_drop, &to.other_drop, &to.named_share}) *x /= double(shown.size());
}

void add_gain(const std::vector<Row>& rows, uint64_t seed, Report& to) {
  const Row* best = nullptr;
  for (const Row& row : rows)
    if (row.name != "attention" && row.name != "joined" && row.name != "random" &&
        (!best || row.figures.mean.ndcg > best->figures.mean.ndcg))
      best = &row;
  const std::vector<double>&a = best->figures.ndcg, &b = rows.back().figures.ndcg;
  to.baseline = best->name;
  if (a.empty()) return;
  std::vector<std::vector<int>> samples;
  for (uint32_t n = 0; n < 1000; ++n) samples.push_back(score::resample(long(a.size()), seed, n));
  const score::Bootstrap bootstrap = score::paired_bootstrap(a, b, samples);
  to.gain = bootstrap.difference, to.gain_low = bootstrap.interval.low, to.gain_high = bootstrap.interval.high;
  to.gain_p = bootstrap.two_sided;
}

void add_curve(const Recommender& r, const Measuring& m, const Split& split, const CaseScores& joined, Report& to) {
  std::vector<Wanted> wanted;
  for (const std::string& method : kReranks)
    for (const double d : {0.1, 0.3, 0.5, 0.7}) wanted.push_back({.k = m.k, .diversity = d, .rerank = method});
  const size_t curve = wanted.size();
  for (const Spread& s : r.spread)
    wanted.push_back({.k = m.k, .diversity = s.diversity, .rerank = s.rerank, .likeness = s.likeness});
  const std::vector<score::Lists> lists = reranked(r, split.test, joined, split.test_among, wanted);
  for (size_t w = 0; w < wanted.size(); ++w)
    to.curve.push_back(
        {fmt::format("{}{} {:g}", w < curve ? "" : wanted[w].likeness + ": ", wanted[w].rerank, wanted[w].diversity),
         measure(m, split.test, joined, &lists[w])});
}

// Who is measured: all cases, those of users of whom nothing was known, of items that nobody has taken.
using Parts = std::vector<std::vector<Case>>;

// Of the latter two only by words, attention and the joined list: the others know nothing of them.
bool has_cold_row(const std::vector<Source>& sources, size_t s) {
  return s + 1 >= sources.size() || sources[s].name == "words";
}

struct Measured {
  std::vector<std::vector<std::vector<Outcome>>> outcomes;  // [part][sources + 1][cases], the last: joined
  std::vector<Shares> shares;                               // [cases], of the joined list
};
Measured measure_parts(const Recommender& r, const Measuring& m, const std::vector<Source>& sources,
                       const Parts& parts) {
  const size_t S = sources.size(), cases = parts[0].size();
  Measured to{.outcomes = {}, .shares = std::vector<Shares>(cases)};
  for (size_t p = 0; p < parts.size(); ++p) to.outcomes.emplace_back(S + 1, std::vector<Outcome>(cases));
  for_each_case("test", sources, parts[0], r.items(), [&](size_t c, std::vector<ScoresOf> scores) {
    to.shares[c] = shares_of(list_of(scores, parts[0][c], m.among, r.joined.candidates), r.joined.weights);
    const Scores joined = to.shares[c].scores(r.items());
    scores.push_back(joined);
    for (size_t p = 0; p < parts.size(); ++p)
      for (size_t s = 0; s <= S; ++s)
        if (p == 0 || (has_cold_row(sources, s) && !parts[p][c].targets.empty()))
          to.outcomes[p][s][c] = outcome_of(m, parts[p][c], scores[s]);
  });
  return to;
}

void add_rows(const Measuring& m, const std::vector<Source>& sources, const Parts& parts, const Measured& measured,
              Report& to) {
  const size_t S = sources.size();
  const auto name_of = [&](size_t s) { return s < S ? sources[s].name : "joined"; };
  for (size_t s = 0; s <= S; ++s) to.rows.push_back({name_of(s), summary(m, parts[0], measured.outcomes[0][s])});
  for (size_t p = 1; p < parts.size(); ++p)
    for (size_t s = S + 1; s-- > 0;) {
      if (!has_cold_row(sources, s)) continue;
      Row row{fmt::format("{}, cold {}", name_of(s), p == 1 ? "users" : "items"),
              summary(m, parts[p], measured.outcomes[p][s])};
      if (row.figures.cases) to.cold.push_back(std::move(row));
    }
}

}  // namespace

Report report_on(const Recommender& r, const Split& split, long k, uint64_t seed) {
  const run::Stopwatch watch;
  Report report;
  const std::vector<double> counts = counts_of(split.known, r.items());
  const Measuring m{r.data, r.words, counts, split.test_among, k, &r.vectors};
  const std::vector<Source> sources = r.sources(split.known);
  const Parts parts{split.test, cold_users(split.test), cold_targets(split.test, counts)};
  const Measured measured = measure_parts(r, m, sources, parts);
  const CaseScores joined = scores_of(measured.shares, r.items());
  reranked(r, split.test, joined, split.test_among, {{.k = k}});
  report.list_seconds = watch.seconds();

  report.rows.push_back({"random", measure(m, split.test, source_of("random", random_scorer(r.items(), seed)))});
  add_rows(m, sources, parts, measured, report);
  add_curve(r, m, split, joined, report);
  add_probabilities(r, split, joined, k, report);
  add_faithfulness(r, split, joined, seed, report);
  add_gain(report.rows, seed, report);
  return report;
}

namespace {

// Of lists that are no whole orders, but re-ranked to k, without the figures of orders.
nn::ordered_json json_of(const std::vector<Row>& rows, bool orders = true) {
  nn::ordered_json all = nn::ordered_json::object();
  for (const Row& row : rows) {
    const Figures& f = row.figures;
    all[row.name] = {{"cases", f.cases},
                     {"ndcg", f.mean.ndcg},
                     {"hr", f.mean.hr},
                     {"recall", f.mean.recall},
                     {"precision", f.mean.precision},
                     {"map", f.mean.map},
                     {"mrr", f.mean.mrr},
                     {"auc", f.mean.auc},
                     {"group_auc", f.gauc},
                     {"coverage", f.coverage},
                     {"gini", f.gini},
                     {"novelty", f.novelty},
                     {"distance", {{"words", f.diversity}, {"tags", f.tag_diversity}, {"vectors", f.vector_diversity}}},
                     {"calibration", f.calibration}};
    for (const char* key : {"mrr", "auc", "group_auc"})
      if (!orders) all[row.name].erase(key);
  }
  return all;
}

}  // namespace

nn::ordered_json Report::json(const Split& split, long k) const {
  nn::ordered_json all{{"protocol", split.text()}, {"k", k}, {"models", json_of(rows)}};
  if (!cold.empty()) all["nothing_known"] = json_of(cold);
  all["re-ranked"] = json_of(curve, false);
  all["joined_less_best"] = {{"best", baseline}, {"ndcg", gain}, {"low", gain_low}, {"high", gain_high}, {"p", gain_p}};
  all["probabilities"] = {{"said", said}, {"taken", taken}, {"ece", ece}, {"ece_of_a_perfect_model", ece_perfect}};
  if (explained)
    all["reasons"] = {{"cases", explained},
                      {"fall_without_the_named", named_drop},
                      {"fall_without_another", other_drop},
                      {"further", named_share}};
  return all;
}

std::string Report::text(const Split& split, long k) const {
  std::string all = fmt::format("{}\n{}", split.text(), table_of(rows, k));
  if (!cold.empty()) all += "\nof whom, or of which, nothing was known\n" + table_of(cold, k);
  all +=
      "\njoined, re-ranked: NDCG against the mean distance of two items, by words, tags and learned vectors\n" +
      curve_table(rows.back(), curve) +
      "the last ones re-rank by tags, by vectors, by their mean with words: as far as 2 % of the dev part's NDCG go\n";
  all += fmt::format(
      "\njoined against {}: NDCG {:+.4f}, 95 % of resamples {:+.4f} ... {:+.4f}, p {:.3f}\n"
      "probabilities of what is shown: {:.2f} % said, {:.2f} % taken, ECE {:.4f} (of a perfect model {:.4f})\n",
      baseline, gain, gain_low, gain_high, gain_p, 100 * said, 100 * taken, ece, ece_perfect);
  if (explained)
    all += fmt::format(
        "reasons: the log share of what is shown falls by {:.3f} without the item that is named, by {:.3f} without "
        "another "
        "one; further in {:.0f} % of {}\n",
        named_drop, other_drop, 100 * named_share, explained);
  return all;
}

}  // namespace recommend
