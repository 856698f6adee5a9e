// Ranks with ties in the middle, and figures of lists. Read tasks/score/top_k.h first: the same without ties.
#include "tasks/recommend/figures.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "engine/parallel.h"

namespace recommend {

using engine::check;

std::vector<char> rankable(const Case& c, const std::vector<int>& among, long items) {
  std::vector<char> can(size_t(items), among.empty());
  for (const int item : among) can[size_t(item)] = 1;
  for (const int item : c.history) can[size_t(item)] = 0;
  return can;
}

std::vector<double> target_ranks(ScoresOf scores, const std::vector<char>& can, const std::vector<int>& targets) {
  std::vector<char> is_target(scores.size(), 0);
  for (const int t : targets)
    if (can[size_t(t)]) is_target[size_t(t)] = 1;
  std::vector<double> ranks;
  for (const int t : targets) {
    if (!is_target[size_t(t)]) continue;
    double rank = 1;
    for (size_t i = 0; i < scores.size(); ++i) {
      if (!can[i] || is_target[i]) continue;
      check(!std::isnan(scores[i]), "recommend: the score of item {} is not a number", i);
      rank += scores[i] > scores[size_t(t)] ? 1 : scores[i] == scores[size_t(t)] ? 0.5 : 0;
    }
    ranks.push_back(rank);
  }
  std::sort(ranks.begin(), ranks.end());
  for (size_t n = 0; n < ranks.size(); ++n) ranks[n] += double(n);
  return ranks;
}

CaseFigures figures_of(const std::vector<double>& ranks, long others, long k) {
  CaseFigures f;
  f.targets = long(ranks.size());
  if (ranks.empty()) return f;
  double hits = 0, gain = 0, ideal = 0, precisions = 0, below = 0;
  for (size_t n = 0; n < ranks.size(); ++n) {
    if (ranks[n] <= double(k)) ++hits, gain += 1 / std::log2(ranks[n] + 1), precisions += hits / ranks[n];
    if (long(n) < k) ideal += 1 / std::log2(double(n) + 2);
    if (others > 0) below += 1 - (ranks[n] - double(n) - 1) / double(others);
  }
  const double P = double(ranks.size());
  f.hr = hits > 0, f.recall = hits / P, f.precision = hits / double(k), f.mrr = 1 / ranks[0];
  f.ndcg = gain / ideal, f.map = precisions / std::min(P, double(k)), f.auc = others > 0 ? below / P : 0.5;
  return f;
}

std::vector<int> top_items(ScoresOf scores, const std::vector<char>& can, long k) {
  std::vector<int> items;
  for (size_t i = 0; i < scores.size(); ++i)
    if (can[i]) items.push_back(int(i));
  const auto higher = [&](int a, int b) {
    return scores[size_t(a)] != scores[size_t(b)] ? scores[size_t(a)] > scores[size_t(b)] : a < b;
  };
  const size_t n = std::min(items.size(), size_t(k));
  std::partial_sort(items.begin(), items.begin() + long(n), items.end(), higher);
  return {items.begin(), items.begin() + long(n)};  // in memory of its own size: lists of all cases are kept
}

std::vector<std::vector<double>> dense_rows(const SparseRows& rows, const std::vector<int>& items) {
  std::map<int, int> places;  // of the columns that these items have
  for (const int i : items)
    for (long n = rows.begin[size_t(i)]; n < rows.begin[size_t(i) + 1]; ++n)
      places.emplace(rows.column[size_t(n)], int(places.size()));
  std::vector<std::vector<double>> all;
  for (const int i : items) {
    auto& row = all.emplace_back(places.size() + 1, 0.);
    for (long n = rows.begin[size_t(i)]; n < rows.begin[size_t(i) + 1]; ++n)
      row[size_t(places[rows.column[size_t(n)]])] = double(rows.value[size_t(n)]);
  }
  return all;
}

std::vector<std::vector<double>> dense_rows(const engine::Tensor& rows, const std::vector<int>& items) {
  std::vector<std::vector<double>> all;
  const long C = rows.dim(1);
  for (const int i : items) all.emplace_back(rows.data() + i * C, rows.data() + (i + 1) * C);
  return all;
}

double jaccard(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  double both = 0;
  for (const std::string& tag : a) both += std::find(b.begin(), b.end(), tag) != b.end();
  const double either = double(a.size() + b.size()) - both;
  return either > 0 ? both / either : 0;
}

namespace {

std::map<std::string, double> tag_shares(const std::vector<Item>& items, Items list) {
  std::map<std::string, double> shares;
  double all = 0;
  for (const int i : list)
    for (const std::string& tag : items[size_t(i)].tags) {
      const double part = 1 / double(items[size_t(i)].tags.size());
      shares[tag] += part, all += part;
    }
  for (auto& [tag, share] : shares) share /= all;
  return shares;
}

double mean_tag_distance(const std::vector<Item>& items, const std::vector<int>& list) {
  double sum = 0;
  for (size_t a = 0; a < list.size(); ++a)
    for (size_t b = 0; b < a; ++b) sum += 1 - jaccard(items[size_t(list[a])].tags, items[size_t(list[b])].tags);
  const size_t twice = list.size() * (list.size() - 1);  // the pairs; 0 of none and of one
  return twice > 0 ? 2 * sum / double(twice) : 0;
}

}  // namespace

double tag_divergence(const std::vector<Item>& items, Items history, const std::vector<int>& list) {
  const auto p = tag_shares(items, history);
  auto q = tag_shares(items, list);
  if (p.empty() || q.empty()) return 0;
  double sum = 0;
  for (const auto& [tag, share] : p) sum += share * std::log(share / (0.99 * q[tag] + 0.01 * share));
  return sum;
}

namespace {

// Places of the targets in a list that was re-ranked; those elsewhere are behind everything.
std::vector<double> places_in(const std::vector<int>& list, const std::vector<char>& can,
                              const std::vector<int>& targets) {
  std::vector<double> ranks;
  for (const int t : targets) {
    if (!can[size_t(t)]) continue;
    const auto at = std::find(list.begin(), list.end(), t);
    ranks.push_back(at == list.end() ? 1e9 : double(at - list.begin()) + 1);
  }
  std::sort(ranks.begin(), ranks.end());
  return ranks;
}

void add(CaseFigures& sum, const CaseFigures& f) {
  sum.hr += f.hr, sum.recall += f.recall, sum.precision += f.precision, sum.mrr += f.mrr;
  sum.ndcg += f.ndcg, sum.map += f.map, sum.auc += f.auc, sum.targets += f.targets;
}

void divide(CaseFigures& sum, double n) {
  for (double* x : {&sum.hr, &sum.recall, &sum.precision, &sum.mrr, &sum.ndcg, &sum.map, &sum.auc}) *x /= n;
}

void add_figures_of_lists(const Measuring& m, const std::vector<Items>& histories, const score::Lists& lists,
                          Figures& f) {
  const long I = long(m.data.items.size());
  std::vector<long> counts;
  for (const double n : m.counts) counts.push_back(std::max(1L, std::lround(n)));
  f.coverage = score::catalogue_coverage(lists, I);
  f.gini = score::gini(score::recommended(lists, I));
  f.novelty = score::mean_over(lists, score::item_novelty(counts));
  std::vector<double> diversity(lists.size()), vectors(lists.size()), tags(lists.size()), divergence(lists.size());
  engine::parallel_tasks(long(lists.size()), [&](long c) {
    const std::vector<int>& list = lists[size_t(c)];
    const auto rows = dense_rows(m.words, list);
    std::vector<int> places(list.size());
    for (size_t n = 0; n < list.size(); ++n) places[n] = int(n);
    diversity[size_t(c)] = score::diversity(places, rows);
    if (m.vectors) vectors[size_t(c)] = score::diversity(places, dense_rows(*m.vectors, list));
    tags[size_t(c)] = mean_tag_distance(m.data.items, list);
    divergence[size_t(c)] = tag_divergence(m.data.items, histories[size_t(c)], list);
  });
  for (size_t c = 0; c < lists.size(); ++c)
    f.diversity += diversity[c], f.vector_diversity += vectors[c], f.tag_diversity += tags[c],
        f.calibration += divergence[c];
  const double n = double(std::max(size_t(1), lists.size()));
  f.diversity /= n, f.vector_diversity /= n, f.tag_diversity /= n, f.calibration /= n;
}

}  // namespace

Outcome outcome_of(const Measuring& m, const Case& c, ScoresOf scores, const std::vector<int>* list) {
  const std::vector<char> can = rankable(c, m.among, long(m.data.items.size()));
  const long all = std::count(can.begin(), can.end(), 1);
  Outcome o{.figures = {}, .shown = list ? *list : top_items(scores, can, m.k)};
  const std::vector<double> ranks = list ? places_in(o.shown, can, c.targets) : target_ranks(scores, can, c.targets);
  o.figures = figures_of(ranks, all - long(ranks.size()), m.k);
  return o;
}

Figures summary(const Measuring& m, const std::vector<Case>& cases, const std::vector<Outcome>& outcomes) {
  Figures f;
  double weighted = 0;
  score::Lists lists_counted;
  std::vector<Items> histories;
  for (size_t c = 0; c < outcomes.size(); ++c) {
    const CaseFigures& one = outcomes[c].figures;
    if (one.targets == 0) continue;
    ++f.cases;
    lists_counted.push_back(outcomes[c].shown);
    histories.emplace_back(cases[c].history);
    add(f.mean, one);
    weighted += one.auc * double(one.targets);
    f.ndcg.push_back(one.ndcg);
  }
  f.targets = f.mean.targets;
  if (f.cases == 0) return f;
  divide(f.mean, double(f.cases));
  f.gauc = weighted / double(f.targets);
  add_figures_of_lists(m, histories, lists_counted, f);
  return f;
}

Figures measure(const Measuring& m, const std::vector<Case>& cases, const CaseScores& scores,
                const score::Lists* lists) {
  std::vector<Outcome> outcomes(cases.size());
  engine::parallel_tasks(long(cases.size()), [&](long c) {
    outcomes[size_t(c)] =
        outcome_of(m, cases[size_t(c)], lists ? Scores() : scores(size_t(c)), lists ? &(*lists)[size_t(c)] : nullptr);
  });
  return summary(m, cases, outcomes);
}

}  // namespace recommend
