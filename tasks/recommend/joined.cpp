// The second stage. Read tasks/recommend/joined.h first: what is joined, and what is fitted.
#include "tasks/recommend/joined.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "engine/parallel.h"
#include "engine/random.h"
#include "nn/format/json_value.h"
#include "tasks/score/confidence.h"
#include "tasks/spec/json_object.h"

namespace recommend {

using engine::check;

Source source_of(const std::string& name, Scorer scorer) {
  return {name, [scorer = std::move(scorer)](const std::vector<Case>& cases) {
            std::vector<Scores> scores(cases.size());
            engine::parallel_tasks(long(cases.size()),
                                   [&](long c) { scores[size_t(c)] = scorer(cases[size_t(c)].history); });
            return scores;
          }};
}

namespace {

// The rank of every rankable item among them, ties in the middle.    [I] -> [I], 0 elsewhere
std::vector<double> all_ranks(const Scores& scores, const std::vector<int>& rankable) {
  std::vector<int> order = rankable;
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return scores[size_t(a)] > scores[size_t(b)]; });
  std::vector<double> ranks(scores.size(), 0);
  for (size_t begin = 0, end; begin < order.size(); begin = end) {
    end = begin + 1;
    while (end < order.size() && scores[size_t(order[end])] == scores[size_t(order[begin])]) ++end;
    for (size_t n = begin; n < end; ++n) ranks[size_t(order[n])] = double(begin + 1 + end) / 2;
  }
  return ranks;
}

List list_of(const std::vector<const Scores*>& sources, const Case& c, const std::vector<int>& among, long items,
             long candidates) {
  const std::vector<char> can = rankable(c, among, items);
  std::vector<int> all;
  for (int i = 0; i < int(items); ++i)
    if (can[size_t(i)]) all.push_back(i);
  std::set<int> chosen;
  for (const Scores* scores : sources)
    for (const int item : top_items(*scores, can, candidates)) chosen.insert(item);
  List list;
  list.items.assign(chosen.begin(), chosen.end());
  const size_t F = 2 * sources.size();
  list.features.resize(list.items.size() * F);
  for (size_t s = 0; s < sources.size(); ++s) {
    const Scores& scores = *sources[s];
    const std::vector<double> ranks = all_ranks(scores, all);
    double sum = 0, square = 0;
    for (const int i : all) sum += scores[size_t(i)];
    const double mean = sum / double(std::max(size_t(1), all.size()));
    for (const int i : all) square += (scores[size_t(i)] - mean) * (scores[size_t(i)] - mean);
    const double deviation = std::sqrt(square / double(std::max(size_t(1), all.size())));
    for (size_t n = 0; n < list.items.size(); ++n) {
      const size_t i = size_t(list.items[n]);
      list.features[n * F + 2 * s] = -std::log(ranks[i]);
      list.features[n * F + 2 * s + 1] = deviation > 0 ? (scores[i] - mean) / deviation : 0;
    }
  }
  for (const int t : c.targets) {
    const auto at = std::lower_bound(list.items.begin(), list.items.end(), t);
    if (at != list.items.end() && *at == t) list.relevant.push_back(int(at - list.items.begin()));
  }
  return list;
}

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

double likelihood(const std::vector<List>& lists, const std::vector<double>& w, double ridge) {
  double sum = 0;
  for (const List& list : lists) {
    if (list.relevant.empty()) continue;
    const std::vector<double> logs = log_shares(list, w);
    for (const int t : list.relevant) sum += logs[size_t(t)];
  }
  for (const double x : w) sum -= ridge / 2 * x * x;
  return sum;
}

}  // namespace

std::vector<List> lists_of(const std::vector<std::vector<Scores>>& scores_by_source, const std::vector<Case>& cases,
                           const std::vector<int>& among, long items, long candidates) {
  std::vector<List> lists(cases.size());
  engine::parallel_tasks(long(cases.size()), [&](long c) {
    std::vector<const Scores*> sources;
    for (const auto& scores : scores_by_source) sources.push_back(&scores[size_t(c)]);
    lists[size_t(c)] = list_of(sources, cases[size_t(c)], among, items, candidates);
  });
  return lists;
}

std::vector<double> log_shares(const List& list, const std::vector<double>& w) {
  std::vector<double> s(list.items.size());
  for (size_t n = 0; n < s.size(); ++n)
    s[n] = std::inner_product(w.begin(), w.end(), list.features.begin() + long(n * w.size()), 0.);
  if (s.empty()) return s;
  const double all = score::log_sum_exp(s);
  for (double& x : s) x -= all;
  return s;
}

std::vector<double> fit_conditional(const std::vector<List>& lists, long features, double ridge,
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
    for (const List& list : lists) add_list(list, w, gradient, hessian);
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

std::vector<Scores> joined_scores(const Joined& joined, const std::vector<List>& lists, long items) {
  std::vector<Scores> scores(lists.size(), Scores(size_t(items), kNoCandidate));
  for (size_t c = 0; c < lists.size(); ++c) {
    const std::vector<double> logs = log_shares(lists[c], joined.weights);
    for (size_t n = 0; n < logs.size(); ++n) scores[c][size_t(lists[c].items[n])] = logs[n];
  }
  return scores;
}

namespace {

// Scores of every list by weights fitted on the lists of the other folds.
std::vector<Scores> out_of_fold(const std::vector<List>& lists, const std::vector<int>& fold, long features, long folds,
                                double ridge, const std::vector<double>& begin, long items) {
  std::vector<Scores> scores(lists.size());
  for (long f = 0; f < folds; ++f) {
    std::vector<List> others;
    for (size_t c = 0; c < lists.size(); ++c)
      if (fold[c] != f) others.push_back(lists[c]);
    Joined part;
    part.weights = fit_conditional(others, features, ridge, begin);
    for (size_t c = 0; c < lists.size(); ++c)
      if (fold[c] == f) scores[c] = joined_scores(part, {lists[c]}, items)[0];
  }
  return scores;
}

double mean_ndcg(const std::vector<Case>& cases, const std::vector<Scores>& scores, const std::vector<int>& among,
                 long items, long k) {
  double sum = 0, n = 0;
  for (size_t c = 0; c < cases.size(); ++c) {
    const std::vector<double> ranks = target_ranks(scores[c], rankable(cases[c], among, items), cases[c].targets);
    if (!ranks.empty()) sum += figures_of(ranks, 1, k).ndcg, ++n;
  }
  return sum / std::max(1., n);
}

}  // namespace

Joined fit_joined(const std::vector<std::string>& sources, const std::vector<std::vector<Scores>>& scores_by_source,
                  const std::vector<Case>& cases, const std::vector<int>& among, long items, const JoinOptions& o,
                  uint64_t seed, std::vector<Scores>* by_folds) {
  const std::vector<List> lists = lists_of(scores_by_source, cases, among, items, o.candidates);
  const std::vector<int> order = engine::permutation(int(cases.size()), {seed, engine::Stream::sample, 3});
  std::vector<int> fold(cases.size());
  for (size_t n = 0; n < order.size(); ++n) fold[size_t(order[n])] = int(n) % int(o.folds);
  const long F = 2 * long(sources.size());
  Joined best;
  best.sources = sources, best.dev_ndcg = -1, best.candidates = o.candidates;
  std::vector<Scores> held;
  std::vector<double> w;
  for (const double ridge : o.ridges) {
    w = fit_conditional(lists, F, ridge, w);
    std::vector<Scores> scores = out_of_fold(lists, fold, F, o.folds, ridge, w, items);
    const double ndcg = mean_ndcg(cases, scores, among, items, o.k);
    if (ndcg > best.dev_ndcg) best.dev_ndcg = ndcg, best.ridge = ridge, best.weights = w, held = std::move(scores);
  }
  std::vector<double> s;
  std::vector<bool> right;
  for (size_t c = 0; c < cases.size(); ++c)
    for (const int item : top_items(held[c], rankable(cases[c], among, items), o.k)) {
      s.push_back(held[c][size_t(item)]);
      right.push_back(std::find(cases[c].targets.begin(), cases[c].targets.end(), item) != cases[c].targets.end());
    }
  best.platt = fit_platt(s, right);
  if (by_folds) *by_folds = std::move(held);
  return best;
}

void to_json(nn::ordered_json& json, const Joined& j) {
  json = {{"sources", j.sources}, {"weights", j.weights},       {"platt_a", j.platt.a},  {"platt_b", j.platt.b},
          {"ridge", j.ridge},     {"candidates", j.candidates}, {"dev_ndcg", j.dev_ndcg}};
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
  object.take("dev_ndcg", j.dev_ndcg, -1, 1);
  object.finish();
  return j;
}

}  // namespace recommend
