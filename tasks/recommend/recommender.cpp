// From a history to a list with reasons. Read tasks/recommend/recommender.h first.
#include "tasks/recommend/recommender.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "engine/parallel.h"
#include "tasks/recommend/regression.h"
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
  return {"attention", [this](std::span<const Case> cases, std::span<double> to) {
            std::vector<Items> histories;
            for (const Case& c : cases) histories.emplace_back(c.history);
            sequence->score(vectors, histories, to);
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

// Joined scores of what some source has among its highest `candidates`, of k where that is more: shares are of the
// former, which the probabilities were fitted to, so that an item's does not depend on how many are asked for.
Scores joined_scores(const Joined& joined, const std::vector<ScoresOf>& scores, const Case& asked,
                     const std::vector<int>& among, long k, long items) {
  const Shares own = shares_of(list_of(scores, asked, among, joined.candidates), joined.weights);
  if (k <= joined.candidates) return own.scores(items);
  Shares wide = shares_of(list_of(scores, asked, among, k), joined.weights);
  const size_t first = size_t(std::ranges::find(wide.items, own.items[0]) - wide.items.begin());
  const double shift = own.logs[0] - wide.logs[first];
  for (double& log : wide.logs) log += shift;
  return wide.scores(items);
}

}  // namespace

std::vector<Recommended> Answering::operator()(const std::vector<int>& history, const Wanted& wanted) const {
  const long I = r_.items();
  std::vector<int> once;  // as in training: of a repeat the first time counts
  std::set<int> seen;
  for (const int item : history)
    if (seen.insert(item).second) once.push_back(item);
  Case asked{.user = -1, .history = once, .targets = {}};
  asked.history.insert(asked.history.begin(), wanted.exclude.begin(), wanted.exclude.end());
  std::vector<int> among;  // none of what is to be left out
  const std::vector<char> can = rankable(asked, {}, I);
  for (int i = 0; i < int(I); ++i)
    if (can[size_t(i)]) among.push_back(i);
  check(!among.empty(), "the history has every item: there is nothing left to recommend");
  asked.history = once;
  std::vector<Scores> scores(sources_.size(), Scores(size_t(I)));
  for (size_t s = 0; s < sources_.size(); ++s) sources_[s].score(std::span(&asked, 1), scores[s]);
  const Scores joined = joined_scores(r_.joined, {scores.begin(), scores.end()}, asked, among, wanted.k, I);
  const std::vector<int> list = reranked(r_, {asked}, [&](size_t) { return joined; }, among, {wanted})[0][0];
  const std::vector<Reason> reasons = reasons_for(r_, asked.history, list);
  std::vector<Recommended> all;
  for (size_t n = 0; n < list.size(); ++n) {
    const double score = joined[size_t(list[n])];
    all.push_back({.item = list[n],
                   .score = score,
                   .probability = r_.joined.platt(score),
                   .because = reasons[n].item,
                   .part = reasons[n].part});
  }
  return all;
}

}  // namespace recommend
