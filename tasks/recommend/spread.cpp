// Lists whose items are not all alike. Read tasks/recommend/rerank.h first: what MMR and DPP do.
#include "tasks/recommend/spread.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/parallel.h"
#include "nn/format/json_value.h"
#include "tasks/recommend/recommender.h"
#include "tasks/recommend/rerank.h"
#include "tasks/spec/json_object.h"

namespace recommend {

using engine::Tensor;

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

std::vector<std::vector<double>> likeness(const Recommender& r, const std::vector<int>& items,
                                          const std::string& kind) {
  std::vector<std::vector<double>> s(items.size(), std::vector<double>(items.size(), 1));
  const bool all = kind == "mean";
  const bool tags = std::ranges::any_of(r.data.items, [](const Item& item) { return !item.tags.empty(); });
  std::vector<double> length;
  for (const int i : items) length.push_back(std::sqrt(dot(r.vectors, i, i)));
  for (size_t a = 0; a < items.size(); ++a)
    for (size_t b = 0; b < a; ++b) {
      const std::vector<std::string>&x = r.data.items[size_t(items[a])].tags, &y = r.data.items[size_t(items[b])].tags;
      const double lengths = length[a] * length[b], size = std::sqrt(double(x.size() * y.size()));
      double sum = all || kind == "words" ? dot(r.words, items[a], items[b]) : 0;
      if (lengths > 0 && (all || kind == "vectors")) sum += dot(r.vectors, items[a], items[b]) / lengths;
      if (size > 0 && (all || kind == "tags")) sum += common(x, y) / size;
      s[a][b] = s[b][a] = all ? sum / (tags ? 3 : 2) : sum;
    }
  return s;
}

std::vector<score::Lists> reranked(const Recommender& r, const std::vector<Case>& cases,
                                   const CaseScores& scores_of_case, const std::vector<int>& among,
                                   const std::vector<Wanted>& wanted, long candidates) {
  std::vector<score::Lists> lists(wanted.size(), score::Lists(cases.size()));
  long k = 0;
  for (const Wanted& w : wanted) k = std::max(k, w.k);
  engine::parallel_tasks(long(cases.size()), [&](long n) {
    const size_t c = size_t(n);
    const Scores scores = scores_of_case(c);
    const std::vector<int> items =
        top_items(scores, rankable(cases[c], among, long(scores.size())), std::max(candidates, k));
    std::vector<double> relevance;
    for (const int item : items) relevance.push_back(scores[size_t(item)]);
    // Items that were no candidate of the second stage have no score: they stand behind, and take no part in the scale.
    while (!relevance.empty() && relevance.back() <= kNoCandidate) relevance.pop_back();
    const std::vector<int> some(items.begin(), items.begin() + long(relevance.size()));
    std::vector<std::vector<double>> alike;
    for (size_t w = 0; w < wanted.size(); ++w) {
      const Wanted& one = wanted[w];
      const bool needed = one.diversity > 0;
      if (needed && (alike.empty() || one.likeness != wanted[w - 1].likeness)) alike = likeness(r, some, one.likeness);
      std::vector<int>& list = lists[w][c];
      for (const int place : rerank(one.rerank, relevance, alike, one.diversity, one.k, r.joined.top_share))
        list.push_back(items[size_t(place)]);
      for (size_t i = some.size(); i < items.size() && long(list.size()) < one.k; ++i) list.push_back(items[i]);
    }
  });
  return lists;
}

double distance_by(const std::string& kind, const Figures& f) {
  if (kind == "words") return f.diversity;
  if (kind == "tags") return f.tag_diversity;
  if (kind == "vectors") return f.vector_diversity;
  return (f.diversity + f.tag_diversity + f.vector_diversity) / 3;
}

namespace {

// What each of `these` costs and gains.
void measure_all(const Recommender& r, const Measuring& m, const std::vector<Case>& cases, const CaseScores& scores,
                 std::vector<Spread>& these) {
  std::vector<Wanted> wanted{{.k = m.k}};
  for (const Spread& s : these)
    wanted.push_back({.k = m.k, .diversity = s.diversity, .rerank = s.rerank, .likeness = s.likeness});
  const std::vector<score::Lists> lists = reranked(r, cases, scores, m.among, wanted);
  const Figures plain = measure(m, cases, scores, &lists[0]);
  for (size_t n = 0; n < these.size(); ++n) {
    Spread& s = these[n];
    const Figures f = measure(m, cases, scores, &lists[n + 1]);
    const double before = distance_by(s.likeness, plain);
    s.cost = 1 - f.mean.ndcg / plain.mean.ndcg;
    s.gain = before > 0 ? distance_by(s.likeness, f) / before - 1 : 0;
  }
}

}  // namespace

std::vector<Spread> choose_spread(const Recommender& r, const Measuring& m, const std::vector<Case>& cases,
                                  const CaseScores& scores, double cost) {
  constexpr int kSteps = 19;
  std::vector<Spread> coarse, fine;
  for (const char* kind : {"tags", "vectors", "mean"})
    for (const std::string& method : kReranks)
      for (int d = 1; d <= kSteps; ++d) coarse.push_back({kind, method, d / 20.});
  measure_all(r, m, cases, scores, coarse);
  // Between the furthest that is cheap enough and the next, by hundredths.
  for (size_t first = 0; first < coarse.size(); first += kSteps) {
    double far = 0;
    for (size_t n = first; n < first + kSteps; ++n)
      if (coarse[n].cost <= cost) far = coarse[n].diversity;
    for (int d = 1; d < 5; ++d) fine.push_back({coarse[first].likeness, coarse[first].rerank, far + d / 100.});
  }
  measure_all(r, m, cases, scores, fine);
  std::vector<Spread> best{{"tags"}, {"vectors"}, {"mean"}};
  for (const std::vector<Spread>* tried : {&coarse, &fine})
    for (const Spread& s : *tried)
      for (Spread& b : best)
        if (b.likeness == s.likeness && s.cost <= cost && s.gain > b.gain) b = s;
  return best;
}

nn::ordered_json spread_json(const std::vector<Spread>& all) {
  nn::ordered_json json = nn::ordered_json::array();
  for (const Spread& s : all)
    json.push_back({{"likeness", s.likeness},
                    {"rerank", s.rerank},
                    {"diversity", s.diversity},
                    {"dev_cost", s.cost},
                    {"dev_gain", s.gain}});
  return json;
}

std::vector<Spread> spread_from(const nn::ordered_json& json, const std::string& where) {
  engine::check(json.is_array(), "{}: must be a list", where);
  std::vector<Spread> all;
  for (const auto& one : json) {
    Spread& s = all.emplace_back();
    spec::StrictObject object(one, where);
    object.take("likeness", s.likeness), object.take("rerank", s.rerank),
        object.take("diversity", s.diversity, 0, 0.99);
    object.take("dev_cost", s.cost, -1e9, 1e9), object.take("dev_gain", s.gain, -1e9, 1e9);
    object.finish();
  }
  return all;
}

}  // namespace recommend
