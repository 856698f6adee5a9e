// The second stage. Read tasks/recommend/joined.h first: what is joined, and what is fitted.
#include "tasks/recommend/joined.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "engine/parallel.h"
#include "engine/random.h"
#include "nn/format/json_value.h"
#include "tasks/run/progress.h"
#include "tasks/score/confidence.h"
#include "tasks/spec/json_object.h"

namespace recommend {

using engine::check;

Source source_of(const std::string& name, Scorer scorer) {
  return {name, [scorer = std::move(scorer)](std::span<const Case> cases, std::span<double> to) {
            engine::parallel_tasks(long(cases.size()), [&](long c) {
              const Scores scores = scorer(cases[size_t(c)].history);
              std::ranges::copy(scores, to.begin() + c * long(scores.size()));
            });
          }};
}

void for_each_case(const std::string& what, const std::vector<Source>& sources, const std::vector<Case>& cases,
                   long items, const Visit& visit) {
  constexpr long kNumbers = 1 << 24, kTogether = 64;  // scores that are kept; cases that attention reads together
  const long N = long(cases.size()), S = long(sources.size());
  const long many = std::min(std::max(1L, kNumbers / (S * items * kTogether)) * kTogether, N);
  std::vector<double> scores(size_t(S * many * items));  // [S, many, I]
  run::Progress progress(what, N);
  for (long begin = 0; begin < N; begin += many) {
    const long count = std::min(many, N - begin);
    const auto row = [&](long s, long c) { return std::span(scores).subspan(size_t((s * many + c) * items)); };
    for (long s = 0; s < S; ++s)
      sources[size_t(s)].score(std::span(cases).subspan(size_t(begin), size_t(count)),
                               row(s, 0).first(size_t(count * items)));
    engine::parallel_tasks(count, [&](long c) {
      std::vector<ScoresOf> of_case;
      for (long s = 0; s < S; ++s) of_case.push_back(row(s, c).first(size_t(items)));
      visit(size_t(begin + c), of_case);
    });
    progress.update(begin + count);
  }
}

Figures measure(const Measuring& m, const std::vector<Case>& cases, const Source& source) {
  std::vector<Outcome> outcomes(cases.size());
  for_each_case(
      source.name, {source}, cases, long(m.data.items.size()),
      [&](size_t c, const std::vector<ScoresOf>& scores) { outcomes[c] = outcome_of(m, cases[c], scores[0]); });
  return summary(m, cases, outcomes);
}

namespace {

// The ranks of some of the rankable items among all of these, ties in the middle.    [n] -> [n]
std::vector<double> ranks_of(const std::vector<int>& items, ScoresOf scores, const std::vector<int>& rankable) {
  std::vector<double> levels;  // the different scores of the items, rising
  for (const int i : items) levels.push_back(scores[size_t(i)]);
  std::sort(levels.begin(), levels.end());
  levels.erase(std::unique(levels.begin(), levels.end()), levels.end());
  std::vector<long> equal(levels.size() + 1, 0), higher(levels.size() + 1, 0);  // higher: than level n - 1, by steps
  for (const int i : rankable) {
    const double s = scores[size_t(i)];
    const size_t at = size_t(std::lower_bound(levels.begin(), levels.end(), s) - levels.begin());
    ++(at < levels.size() && levels[at] == s ? equal : higher)[at];
  }
  // Above level n: what lies between it and the next, the next, and what is above that.
  for (size_t n = levels.size(); n-- > 0;) higher[n] += higher[n + 1] + equal[n + 1];
  std::vector<double> ranks;
  for (const int i : items) {
    const size_t at = size_t(std::lower_bound(levels.begin(), levels.end(), scores[size_t(i)]) - levels.begin());
    ranks.push_back(double(2 * higher[at + 1] + 2 * equal[at + 1] + equal[at] + 1) / 2);
  }
  return ranks;
}

}  // namespace

List list_of(const std::vector<ScoresOf>& sources, const Case& c, const std::vector<int>& among, long candidates) {
  const long items = long(sources[0].size());
  const std::vector<char> can = rankable(c, among, items);
  std::vector<int> all;
  for (int i = 0; i < int(items); ++i)
    if (can[size_t(i)]) all.push_back(i);
  std::set<int> chosen;
  for (const ScoresOf scores : sources)
    for (const int item : top_items(scores, can, candidates)) chosen.insert(item);
  List list;
  list.items.assign(chosen.begin(), chosen.end());
  const size_t F = 2 * sources.size();
  list.features.resize(list.items.size() * F);
  for (size_t s = 0; s < sources.size(); ++s) {
    const ScoresOf scores = sources[s];
    const std::vector<double> ranks = ranks_of(list.items, scores, all);
    double sum = 0, square = 0;
    for (const int i : all) sum += scores[size_t(i)];
    const double mean = sum / double(std::max(size_t(1), all.size()));
    for (const int i : all) square += (scores[size_t(i)] - mean) * (scores[size_t(i)] - mean);
    const double deviation = std::sqrt(square / double(std::max(size_t(1), all.size())));
    for (size_t n = 0; n < list.items.size(); ++n) {
      const size_t i = size_t(list.items[n]);
      list.features[n * F + 2 * s] = -std::log(ranks[n]);
      list.features[n * F + 2 * s + 1] = deviation > 0 ? (scores[i] - mean) / deviation : 0;
    }
  }
  for (const int t : c.targets) {
    const auto at = std::lower_bound(list.items.begin(), list.items.end(), t);
    if (at != list.items.end() && *at == t) list.relevant.push_back(int(at - list.items.begin()));
  }
  return list;
}

namespace {

// x of A x = b, A [n, n] symmetric and positive definite, by Gauss with pivots on the diagonal.
std::vector<double> solve(std::vector<double> A, std::vector<double> b) {
  const size_t n = b.size();
  for (size_t k = 0; k < n; ++k)
    for (size_t i = k + 1; i < n; ++i) {
      const double factor = A[i * n + k] / A[k * n + k];
      for (size_t j = k; j < n; ++j) A[i * n + j] -= factor * A[k * n + j];
      b[i] -= factor * b[k];
    }
  for (size_t k = n; k-- > 0;) {
    for (size_t j = k + 1; j < n; ++j) b[k] -= A[k * n + j] * b[j];
    b[k] /= A[k * n + k];
  }
  return b;
}

// Adds a list's part of the gradient  sum_t (x_t - E x)  and of the negative Hessian  |t| (E x x^T - E x E x^T).
void add_list(const List& list, const std::vector<double>& w, std::vector<double>& gradient,
              std::vector<double>& hessian) {
  if (list.relevant.empty()) return;
  const size_t F = w.size();
  const std::vector<double> logs = log_shares(list, w);
  std::vector<double> mean(F, 0), square(F * F, 0);
  for (size_t n = 0; n < list.items.size(); ++n) {
    const double* x = list.features.data() + n * F;
    const double p = std::exp(logs[n]);
    if (p < 1e-12) continue;
    for (size_t a = 0; a < F; ++a) {
      mean[a] += p * x[a];
      for (size_t b = 0; b <= a; ++b) square[a * F + b] += p * x[a] * x[b];
    }
  }
  const double times = double(list.relevant.size());
  for (const int t : list.relevant)
    for (size_t a = 0; a < F; ++a) gradient[a] += list.features[size_t(t) * F + a] - mean[a];
  for (size_t a = 0; a < F; ++a)
    for (size_t b = 0; b <= a; ++b) {
      const double value = times * (square[a * F + b] - mean[a] * mean[b]);
      hessian[a * F + b] += value;
      if (a != b) hessian[b * F + a] += value;
    }
}

double likelihood(const std::vector<const List*>& lists, const std::vector<double>& w, double ridge) {
  double sum = 0;
  for (const List* list : lists) {
    if (list->relevant.empty()) continue;
    const std::vector<double> logs = log_shares(*list, w);
    for (const int t : list->relevant) sum += logs[size_t(t)];
  }
  for (const double x : w) sum -= ridge / 2 * x * x;
  return sum;
}

}  // namespace

std::vector<double> log_shares(const List& list, const std::vector<double>& w) {
  std::vector<double> s(list.items.size());
  for (size_t n = 0; n < s.size(); ++n)
    s[n] = std::inner_product(w.begin(), w.end(), list.features.begin() + long(n * w.size()), 0.);
  if (s.empty()) return s;
  const double all = score::log_sum_exp(s);
  for (double& x : s) x -= all;
  return s;
}

std::vector<double> fit_conditional(const std::vector<const List*>& lists, long features, double ridge,
                                    const std::vector<double>& begin) {
  const size_t F = size_t(features);
  std::vector<double> w = begin;
  if (w.empty()) {
    w.assign(F, 0);
    for (size_t a = 0; a < F; a += 2) w[a] = 1 / double(F);
  }
  double value = likelihood(lists, w, ridge);
  for (int step = 0; step < 50; ++step) {
    std::vector<double> gradient(F, 0), hessian(F * F, 0);
    for (const List* list : lists) add_list(*list, w, gradient, hessian);
    for (size_t a = 0; a < F; ++a) gradient[a] -= ridge * w[a], hessian[a * F + a] += ridge;
    const std::vector<double> move = solve(hessian, gradient);
    double length = 1, gained = -1;
    std::vector<double> next = w;
    while (length > 1e-6 && gained < 0) {
      for (size_t a = 0; a < F; ++a) next[a] = w[a] + length * move[a];
      gained = likelihood(lists, next, ridge) - value;
      length /= 2;
    }
    if (gained < 0) break;
    w = next, value += gained;
    if (gained < 1e-7 * (1 + std::abs(value))) break;
  }
  return w;
}

double Platt::operator()(double s) const { return 1 / (1 + std::exp(-(a * s + b))); }

Platt fit_platt(const std::vector<double>& s, const std::vector<bool>& right) {
  const double n = double(s.size()), hits = double(std::count(right.begin(), right.end(), true));
  Platt p{0, std::log((hits + 0.5) / (n - hits + 0.5))};
  if (hits == 0 || hits == n) return p;
  const auto value = [&](const Platt& at) {
    double sum = 0;
    for (size_t i = 0; i < s.size(); ++i) {
      const double x = at.a * s[i] + at.b, y = right[i] ? x : -x;
      sum += y > 0 ? -std::log1p(std::exp(-y)) : y - std::log1p(std::exp(y));
    }
    return sum;
  };
  for (int step = 0; step < 50; ++step) {
    double ga = 0, gb = 0, aa = 1e-9, ab = 0, bb = 1e-9;
    for (size_t i = 0; i < s.size(); ++i) {
      const double q = p(s[i]), e = double(right[i]) - q, v = q * (1 - q);
      ga += e * s[i], gb += e, aa += v * s[i] * s[i], ab += v * s[i], bb += v;
    }
    const std::vector<double> move = solve({aa, ab, ab, bb}, {ga, gb});
    Platt next = p;
    double length = 1;
    const double before = value(p);
    while (length > 1e-6) {
      next = {p.a + length * move[0], p.b + length * move[1]};
      if (value(next) >= before) break;
      length /= 2;
    }
    if (length <= 1e-6 || std::abs(move[0]) + std::abs(move[1]) < 1e-10) break;
    p = next;
  }
  return p;
}

Scores Shares::scores(long all_items) const {
  Scores scores(size_t(all_items), kNoCandidate);
  for (size_t n = 0; n < items.size(); ++n) scores[size_t(items[n])] = logs[n];
  return scores;
}

Shares shares_of(const List& list, const std::vector<double>& w) { return {list.items, log_shares(list, w)}; }

CaseScores scores_of(const std::vector<Shares>& shares, long all_items) {
  return [&shares, all_items](size_t c) { return shares[c].scores(all_items); };
}

namespace {

// Of every list its shares by weights fitted on the lists of the other folds.
std::vector<Shares> out_of_fold(const std::vector<List>& lists, const std::vector<int>& fold, long features, long folds,
                                double ridge, const std::vector<double>& begin) {
  std::vector<Shares> shares(lists.size());
  engine::parallel_tasks(folds, [&](long f) {
    std::vector<const List*> others;
    for (size_t c = 0; c < lists.size(); ++c)
      if (fold[c] != f) others.push_back(&lists[c]);
    const std::vector<double> w = fit_conditional(others, features, ridge, begin);
    for (size_t c = 0; c < lists.size(); ++c)
      if (fold[c] == f) shares[c] = shares_of(lists[c], w);
  });
  return shares;
}

double mean_ndcg(const std::vector<Case>& cases, const std::vector<Shares>& shares, const std::vector<int>& among,
                 long items, long k) {
  double sum = 0, n = 0;
  for (size_t c = 0; c < cases.size(); ++c) {
    const std::vector<double> ranks =
        target_ranks(shares[c].scores(items), rankable(cases[c], among, items), cases[c].targets);
    if (!ranks.empty()) sum += figures_of(ranks, 1, k).ndcg, ++n;
  }
  return sum / std::max(1., n);
}

// Of what the lists show: how often it is taken, and what the first item's share is.
void fit_probabilities(const std::vector<Case>& cases, const std::vector<Shares>& held, const std::vector<int>& among,
                       long items, long k, Joined& to) {
  std::vector<double> s;
  std::vector<bool> right;
  for (size_t c = 0; c < cases.size(); ++c) {
    const Scores scores = held[c].scores(items);
    const std::vector<int> shown = top_items(scores, rankable(cases[c], among, items), k);
    if (!shown.empty()) to.top_share += std::exp(scores[size_t(shown[0])]) / double(cases.size());
    for (const int item : shown) {
      s.push_back(scores[size_t(item)]);
      right.push_back(std::find(cases[c].targets.begin(), cases[c].targets.end(), item) != cases[c].targets.end());
    }
  }
  to.platt = fit_platt(s, right);
}

}  // namespace

Joined fit_joined(const std::vector<std::string>& sources, const std::vector<List>& lists,
                  const std::vector<Case>& cases, const std::vector<int>& among, long items, const JoinOptions& o,
                  uint64_t seed, std::vector<Shares>* by_folds) {
  const std::vector<int> order = engine::permutation(int(cases.size()), {seed, engine::Stream::sample, 3});
  std::vector<int> fold(cases.size());
  for (size_t n = 0; n < order.size(); ++n) fold[size_t(order[n])] = int(n) % int(o.folds);
  const long F = 2 * long(sources.size());
  Joined best;
  best.sources = sources, best.dev_ndcg = -1, best.candidates = o.candidates;
  std::vector<Shares> held;
  std::vector<double> w;
  std::vector<const List*> all;
  for (const List& list : lists) all.push_back(&list);
  for (const double ridge : o.ridges) {
    w = fit_conditional(all, F, ridge, w);
    std::vector<Shares> shares = out_of_fold(lists, fold, F, o.folds, ridge, w);
    const double ndcg = mean_ndcg(cases, shares, among, items, o.k);
    if (ndcg > best.dev_ndcg) best.dev_ndcg = ndcg, best.ridge = ridge, best.weights = w, held = std::move(shares);
  }
  fit_probabilities(cases, held, among, items, o.k, best);
  if (by_folds) *by_folds = std::move(held);
  return best;
}

void to_json(nn::ordered_json& json, const Joined& j) {
  json = {{"sources", j.sources}, {"weights", j.weights},       {"platt_a", j.platt.a},   {"platt_b", j.platt.b},
          {"ridge", j.ridge},     {"candidates", j.candidates}, {"dev_ndcg", j.dev_ndcg}, {"top_share", j.top_share}};
}

Joined joined_from(const nn::ordered_json& json, const std::string& where) {
  Joined j;
  spec::StrictObject object(json, where);
  object.take("sources", j.sources);
  const nn::ordered_json* weights = object.find("weights");
  check(weights && weights->is_array() && weights->size() == 2 * j.sources.size(),
        "{}.weights: must be two numbers for each source", where);
  for (const auto& weight : *weights) {
    check(weight.is_number(), "{}.weights: must be numbers; got {}", where, weight.dump());
    j.weights.push_back(weight);
  }
  object.take("platt_a", j.platt.a, -1e9, 1e9), object.take("platt_b", j.platt.b, -1e9, 1e9);
  object.take("ridge", j.ridge, 0, 1e12), object.take("candidates", j.candidates, 1, 1e9);
  object.take("dev_ndcg", j.dev_ndcg, -1, 1), object.take("top_share", j.top_share, 0, 1);
  object.finish();
  return j;
}

}  // namespace recommend
