// Joined: a second stage over the candidates of several models, by logistic regression on held-out lists, and what its
// scores are as probabilities.
#pragma once

#include <cstdint>

#include "nn/format/json_value.h"
#include "tasks/recommend/figures.h"

namespace recommend {

// A model as the second stage sees it: the scores of all items for some cases.    to [cases, I]
struct Source {
  std::string name;
  std::function<void(std::span<const Case>, std::span<double> to)> score;
};
Source source_of(const std::string& name, Scorer scorer);  // a case after the other, in parallel

// visit(c, scores) for every case, scores[s] being source s's, on several threads. Some cases are scored at a time, so
// that memory does not grow with users times items; `what` heads the line of progress.
using Visit = std::function<void(size_t c, const std::vector<ScoresOf>& scores)>;
void for_each_case(const std::string& what, const std::vector<Source>& sources, const std::vector<Case>& cases,
                   long items, const Visit& visit);
Figures measure(const Measuring& m, const std::vector<Case>& cases, const Source& source);

// The items that any source has among its highest `candidates`, and of each two numbers a source:
//   -log(rank of its score among the rankable, ties in the middle)      (score - mean) / deviation, over the rankable
struct List {
  std::vector<int> items;        // ascending
  std::vector<double> features;  // [n, F], F = 2 sources
  std::vector<int> relevant;     // places in items of the targets that are among them
};
List list_of(const std::vector<ScoresOf>& scores, const Case& c, const std::vector<int>& among, long candidates);

// w that makes  sum over lists and relevant t of log softmax_i(w . x_i)_t - ridge / 2 |w|^2  largest: the conditional
// logit (McFadden 1974), by Newton's steps, from `begin` where it is given.    -> [F]
std::vector<double> fit_conditional(const std::vector<const List*>& lists, long features, double ridge,
                                    const std::vector<double>& begin = {});
// w . x_i, less log sum over the list of its exponential: at most 0.    -> [n]
std::vector<double> log_shares(const List& list, const std::vector<double>& w);

// A list and its log shares. scores(): the joined score of all items, far below these where an item is no candidate.
struct Shares {
  std::vector<int> items;
  std::vector<double> logs;
  Scores scores(long all_items) const;
};
Shares shares_of(const List& list, const std::vector<double>& w);
CaseScores scores_of(const std::vector<Shares>& shares, long all_items);  // `shares` must outlive it
inline constexpr double kNoCandidate = -1e6;

// p = 1 / (1 + e^-(a s + b)) (Platt 1999), a and b of the largest likelihood of (s, right), by Newton's steps. Where
// all are right or all wrong, b alone with half a case of the other kind added.
struct Platt {
  double a = 1, b = 0;
  double operator()(double s) const;
};
Platt fit_platt(const std::vector<double>& s, const std::vector<bool>& right);

struct Joined {
  std::vector<std::string> sources;
  std::vector<double> weights;  // [2 sources]
  Platt platt;                  // that an item of a list of k is taken
  double ridge = 1;
  long candidates = 100;  // of each source
  double dev_ndcg = 0;    // by weights of the other folds
  double top_share = 0;   // of the first item, the mean over the dev lists
};

struct JoinOptions {
  long candidates = 100, folds = 5, k = 10;
  long most_cases = 4000;  // that are joined on: for two weights a source, more are not needed
  std::vector<double> ridges{3, 30, 300, 3000, 10000};
};
// Fits weights on held-out cases. Which ridge, and the probabilities: by folds, the lists of each scored with the
// weights of the others, so that nothing is judged on what it was fitted on; `by_folds`: these scores.
Joined fit_joined(const std::vector<std::string>& sources, const std::vector<List>& lists,
                  const std::vector<Case>& cases, const std::vector<int>& among, long items, const JoinOptions& options,
                  uint64_t seed, std::vector<Shares>* by_folds = nullptr);

void to_json(nn::ordered_json& json, const Joined& joined);
Joined joined_from(const nn::ordered_json& json, const std::string& where);

}  // namespace recommend
