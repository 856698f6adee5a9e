// From a history to a list with reasons. Read tasks/recommend/recommender.h first.
#include "tasks/recommend/recommender.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/parallel.h"
#include "tasks/recommend/regression.h"
#include "tasks/recommend/rerank.h"
#include "tasks/run/arguments.h"

namespace recommend {

using engine::check;

void SimpleOptions::declare(run::Options& options) {
  const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("Simple models: of several values the best on the dev part");
  };
  add("--ease", ease, "EASE's lambda; 0: without it").delimiter(',').not_negative();
  add("--knn", knn, "neighbours that each item keeps").delimiter(',').between(1, 1e6);
  add("--damping", damping, "of item transitions").delimiter(',').not_negative();
  add("--reach", reach, "places behind an item that count as a transition").between(1, 1000);
  add("--recent", recent, "last items of a history from which transitions are taken").between(1, 1000);
  add("--near", near, "places before and behind an item that count as near it, in whole histories").between(1, 1000);
  add("--content", content, "lambda of what is learned from the texts alone; 0: without it")
      .delimiter(',')
      .not_negative();
  add("--decay", decay, "weight of an item in the wanted words against the one behind it").delimiter(',').between(0, 1);
}

Source Recommender::attention() const {
  return {"attention", [this](const std::vector<Case>& cases) {
            std::vector<Items> histories;
            for (const Case& c : cases) histories.emplace_back(c.history);
            return sequence->scores(vectors, histories);
          }};
}

std::vector<Source> Recommender::sources(const std::vector<History>& histories) const {
  const long I = items();
  std::vector<Source> all{source_of("popularity", popularity(counts_of(histories, I))),
                          source_of("recent", popularity(recent_counts(histories, I))),
                          source_of("knn", item_knn(histories, I, {.k = settings.knn}))};
  if (settings.ease > 0) all.push_back(source_of("ease", ease(histories, I, settings.ease)));
  all.push_back(source_of(
      "transitions",
      by_transitions(
          transitions(histories, I, {.reach = settings.reach, .recent = settings.recent, .damping = settings.damping}),
          settings.recent)));
  all.push_back(source_of("near", by_rows(near_each_other(histories, I, {.reach = settings.near}))));
  all.push_back(source_of("words", by_words(words, settings.decay)));
  if (settings.content > 0) all.push_back(source_of("content", recommend::content(histories, words, settings.content)));
  if (sequence) all.push_back(attention());
  return all;
}

void Recommender::take_vectors() {
  const engine::NoGrad no_grad;
  vectors = sequence->item_vectors();
}

std::vector<Reason> reasons_for(const Recommender& r, Items history, const std::vector<int>& items) {
  const auto parts = r.sequence->reasons(r.vectors, history, items);
  std::vector<Reason> reasons;
  for (const std::vector<double>& part : parts) {
    Reason& reason = reasons.emplace_back();
    double all = 0;
    size_t best = 0;
    for (size_t j = 0; j < part.size(); ++j) {
      all += std::max(0., part[j]);
      if (part[j] > part[best]) best = j;
    }
    if (part.empty() || part[best] <= 0) continue;
    reason = {history[history.size() - part.size() + best], part[best] / all};
  }
  return reasons;
}

namespace {

// The dot product of two sparse rows, whose columns rise.
double dot(const SparseRows& rows, int a, int b) {
  double sum = 0;
  long i = rows.begin[size_t(a)], j = rows.begin[size_t(b)];
  while (i < rows.begin[size_t(a) + 1] && j < rows.begin[size_t(b) + 1]) {
    const int left = rows.column[size_t(i)], right = rows.column[size_t(j)];
    if (left == right) sum += double(rows.value[size_t(i)]) * double(rows.value[size_t(j)]);
    i += left <= right, j += right <= left;
  }
  return sum;
}

double dot(const Tensor& rows, int a, int b) {
  const long C = rows.dim(1);
  const engine::real* x = rows.data() + a * C;
  return std::inner_product(x, x + C, rows.data() + b * C, 0.);
}

double common(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return double(std::count_if(a.begin(), a.end(), [&](const std::string& tag) { return std::ranges::count(b, tag); }));
}

}  // namespace

std::vector<std::vector<double>> likeness(const Recommender& r, const std::vector<int>& items) {
  std::vector<std::vector<double>> s(items.size(), std::vector<double>(items.size(), 1));
  const bool tags = std::ranges::any_of(r.data.items, [](const Item& item) { return !item.tags.empty(); });
  std::vector<double> length;
  for (const int i : items) length.push_back(std::sqrt(dot(r.vectors, i, i)));
  for (size_t a = 0; a < items.size(); ++a)
    for (size_t b = 0; b < a; ++b) {
      const std::vector<std::string>&x = r.data.items[size_t(items[a])].tags, &y = r.data.items[size_t(items[b])].tags;
      const double lengths = length[a] * length[b], size = std::sqrt(double(x.size() * y.size()));
      double sum = dot(r.words, items[a], items[b]);
      if (lengths > 0) sum += dot(r.vectors, items[a], items[b]) / lengths;
      if (size > 0) sum += common(x, y) / size;
      s[a][b] = s[b][a] = sum / (tags ? 3 : 2);
    }
  return s;
}

score::Lists reranked(const Recommender& r, const std::vector<Case>& cases, const std::vector<Scores>& scores,
                      const std::vector<int>& among, const Wanted& wanted, long candidates) {
  score::Lists lists(cases.size());
  engine::parallel_tasks(long(cases.size()), [&](long n) {
    const size_t c = size_t(n);
    const std::vector<int> items =
        top_items(scores[c], rankable(cases[c], among, long(scores[c].size())), std::max(candidates, wanted.k));
    std::vector<double> relevance;
    for (const int item : items) relevance.push_back(scores[c][size_t(item)]);
    // Items that were no candidate of the second stage have no score: they stand behind, and take no part in the scale.
    while (!relevance.empty() && relevance.back() <= kNoCandidate) relevance.pop_back();
    const std::vector<int> some(items.begin(), items.begin() + long(relevance.size()));
    for (const int place : rerank(wanted.rerank, relevance, likeness(r, some), wanted.diversity, wanted.k))
      lists[c].push_back(items[size_t(place)]);
    for (size_t i = some.size(); i < items.size() && long(lists[c].size()) < wanted.k; ++i)
      lists[c].push_back(items[i]);
  });
  return lists;
}

std::vector<Recommended> Answering::operator()(const std::vector<int>& history, const Wanted& wanted) const {
  const long I = r_.items();
  Case asked{.user = -1, .history = history, .targets = {}};
  asked.history.insert(asked.history.begin(), wanted.exclude.begin(), wanted.exclude.end());
  std::vector<int> among;  // none of what is to be left out
  const std::vector<char> can = rankable(asked, {}, I);
  for (int i = 0; i < int(I); ++i)
    if (can[size_t(i)]) among.push_back(i);
  check(!among.empty(), "the history has every item: there is nothing left to recommend");
  asked.history = history;
  std::vector<std::vector<Scores>> scores;
  for (const Source& source : sources_) scores.push_back(source.scores({asked}));
  const std::vector<List> lists = lists_of(scores, {asked}, among, I, std::max(r_.joined.candidates, wanted.k));
  const std::vector<Scores> joined = joined_scores(r_.joined, lists, I);
  const std::vector<int> list = reranked(r_, {asked}, joined, among, wanted)[0];
  const std::vector<Reason> reasons = reasons_for(r_, asked.history, list);
  std::vector<Recommended> all;
  for (size_t n = 0; n < list.size(); ++n) {
    const double score = joined[0][size_t(list[n])];
    all.push_back({.item = list[n],
                   .score = score,
                   .probability = r_.joined.platt(score),
                   .because = reasons[n].item,
                   .part = reasons[n].part});
  }
  return all;
}

}  // namespace recommend
