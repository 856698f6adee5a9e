// Recommend: lists that are put in another order so that their items differ, against values by hand.
#include "tasks/recommend/recommender.h"
#include "tasks/recommend/rerank.h"
#include "tests/support/support.h"

using namespace recommend;

TEST_CASE("recommend: tags of a list like the history's diverge by 0, others by much") {
  const std::vector<Item> items{{"a", "", "", {"x"}}, {"b", "", "", {"x"}}, {"c", "", "", {"y"}}, {"d", "", "", {}}};
  const std::vector<int> h{0};
  CHECK(tag_divergence(items, h, {1}) == doctest::Approx(0));
  CHECK(tag_divergence(items, h, {2}) == doctest::Approx(std::log(100.)));
  CHECK(tag_divergence(items, h, {1, 2}) == doctest::Approx(std::log(1 / (0.495 + 0.01))));
  CHECK(tag_divergence(items, h, {3}) == 0);
  CHECK(jaccard({"x", "y"}, {"y", "z"}) == doctest::Approx(1. / 3));
}

TEST_CASE("recommend: greedy DPP takes in each step what makes the determinant largest") {
  const std::vector<double> r{0.9, 0.85, 0.5, 0.2};
  const std::vector<std::vector<double>> s{
      {1, 0.95, 0.1, 0}, {0.95, 1, 0.2, 0.1}, {0.1, 0.2, 1, 0.3}, {0, 0.1, 0.3, 1}};
  const double theta = 0.7;
  const auto L = [&](int i, int j) {
    return std::exp(theta * (r[size_t(i)] + r[size_t(j)])) * s[size_t(i)][size_t(j)];
  };
  const std::vector<int> order = greedy_dpp(r, s, theta, 3);
  REQUIRE(order.size() == 3);
  CHECK(order[0] == 0);
  int best = -1;
  double highest = -1;
  for (int j = 1; j < 4; ++j)
    if (const double det = L(0, 0) * L(j, j) - L(0, j) * L(0, j); det > highest) highest = det, best = j;
  CHECK(order[1] == best);
  CHECK(order[1] != 1);  // relevance alone would take it
  const std::vector<std::vector<double>> same{{1, 1, 1}, {1, 1, 1}, {1, 1, 1}};
  CHECK(rerank("dpp", r, s, 0, 2) == std::vector<int>{0, 1});
  CHECK(rerank("dpp", r, s, 0.9, 2) != std::vector<int>{0, 1});
  CHECK(rerank("dpp", {1, 1, 1}, same, 0.5, 3).size() == 3);  // nothing new is left: by relevance
}

TEST_CASE("recommend: MMR weighs shares, not their logs: among what is hardly taken it spreads first") {
  const std::vector<double> logs{std::log(0.5), std::log(0.1), std::log(0.02), std::log(0.0001)};
  std::vector<std::vector<double>> s(4, std::vector<double>(4, 0));
  for (size_t i = 0; i < 4; ++i) s[i][i] = 1;
  s[0][1] = s[1][0] = 0.4;
  // 0.7 (0.1 / 0.5) - 0.3 0.4 = 0.02 of the second, 0.7 (0.02 / 0.5) = 0.028 of the third
  CHECK(rerank("mmr", logs, s, 0.3, 2) == std::vector<int>{0, 2});
  CHECK(rerank("mmr", logs, s, 0.2, 2) == std::vector<int>{0, 1});
  // A usual list's first has twice the share: this one may lose more.  0.8 (0.1 / 1) - 0.2 0.4 = 0, 0.8 (0.02 / 1) > 0
  CHECK(rerank("mmr", logs, s, 0.2, 2, 1) == std::vector<int>{0, 2});
}

TEST_CASE(
    "recommend: what was chosen to be unlike is shown by relevance, and its mean distance is what was asked for") {
  // 0 and 1 are alike, 2 is like nobody, 3 is like 2 alone.
  const std::vector<double> logs{std::log(0.4), std::log(0.3), std::log(0.05), std::log(0.06)};
  const std::vector<std::vector<double>> s{{1, 0.9, 0, 0.1}, {0.9, 1, 0, 0.1}, {0, 0, 1, 0.8}, {0.1, 0.1, 0.8, 1}};
  // Third, lambda 0.1: 1 has a mean likeness of 0.45 and a highest of 0.9, 3 has 0.45 and 0.8.
  CHECK(greedy_mmr({0.4, 0.3, 0.05, 0.06}, s, 0.1, 3, Likeness::mean) == std::vector<int>{0, 2, 1});
  CHECK(greedy_mmr({0.4, 0.3, 0.05, 0.06}, s, 0.1, 3) == std::vector<int>{0, 2, 3});
  CHECK(rerank("mmr-mean", logs, s, 0.9, 3) == std::vector<int>{0, 1, 2});
  CHECK(rerank("mmr", logs, s, 0.9, 3) == std::vector<int>{0, 3, 2});
  CHECK(rerank("dpp", logs, s, 0.9, 3) == std::vector<int>{0, 3, 2});
  for (const std::string& how : kReranks) CHECK(rerank(how, logs, s, 0, 3) == std::vector<int>{0, 1, 3});
}

TEST_CASE(
    "recommend: what the dev part allows of diversity costs there what it may, and spreads by what it is named for") {
  Recommender r;
  for (int i = 0; i < 40; ++i)
    r.data.items.push_back({fmt::format("i{}", i), fmt::format("kind {}", i % 7), "", {fmt::format("t{}", i % 3)}});
  r.words = word_vectors(r.data.items);
  r.vectors = test::varied({40, 6});
  std::vector<Case> cases;
  std::vector<Scores> all_scores;
  const CaseScores scores = [&](size_t c) { return all_scores[c]; };
  for (int u = 0; u < 50; ++u) {
    cases.push_back({u, {}, {(u * 11) % 40}});
    Scores& s = all_scores.emplace_back();
    for (int i = 0; i < 40; ++i) s.push_back(std::sin(u * 1.7 + i * 2.3) * 2 + (i == (u * 11) % 40 ? 2 : 0) - 5);
  }
  const std::vector<double> counts(40, 1);
  const Measuring m{r.data, r.words, counts, {}, 5, &r.vectors};
  const std::vector<Spread> all = choose_spread(r, m, cases, scores, 0.5);
  REQUIRE(all.size() == 3);
  const Figures plain = measure(m, cases, scores);
  for (const Spread& one : all) {
    CHECK(one.gain >= 0);
    CHECK(one.cost <= 0.5);
    const score::Lists lists =
        reranked(r, cases, scores, {},
                 {{.k = 5, .diversity = one.diversity, .rerank = one.rerank, .likeness = one.likeness}})[0];
    const Figures f = measure(m, cases, scores, &lists);
    CHECK(1 - f.mean.ndcg / plain.mean.ndcg == doctest::Approx(one.cost));
    CHECK(distance_by(one.likeness, f) == doctest::Approx((1 + one.gain) * distance_by(one.likeness, plain)));
  }
  CHECK(std::ranges::any_of(all, [](const Spread& one) { return one.gain > 0.01; }));
  // Between twentieths: what is chosen goes further than the furthest twentieth before it, for no more than it may.
  const std::vector<Spread> near = choose_spread(r, m, cases, scores, 0.1);
  const auto fine = std::ranges::find_if(
      near, [](const Spread& one) { return std::abs(20 * one.diversity - std::round(20 * one.diversity)) > 0.1; });
  REQUIRE(fine != near.end());
  CHECK(fine->cost <= 0.1);
  const double coarse = std::floor(20 * fine->diversity) / 20;
  const score::Lists lists = reranked(
      r, cases, scores, {}, {{.k = 5, .diversity = coarse, .rerank = fine->rerank, .likeness = fine->likeness}})[0];
  const double before = distance_by(fine->likeness, plain);
  CHECK(fine->gain > distance_by(fine->likeness, measure(m, cases, scores, &lists)) / before - 1);
  for (const Spread& one : choose_spread(r, m, cases, scores, -9)) CHECK(one.diversity == 0);  // nothing is that cheap
}

TEST_CASE("recommend: MMR by likenesses chooses as score's does by vectors") {
  std::vector<double> r;
  std::vector<std::vector<double>> v, s(20, std::vector<double>(20));
  for (int i = 0; i < 20; ++i) {
    r.push_back(std::abs(std::sin(i * 2.3)));
    v.push_back({std::sin(i * 1.1), std::cos(i * 0.7), std::sin(i * 3.1)});
  }
  for (size_t i = 0; i < 20; ++i)
    for (size_t j = 0; j < 20; ++j) s[i][j] = score::cosine(v[i], v[j]);
  for (const double lambda : {0.3, 0.7, 1.})
    CHECK(greedy_mmr(r, s, lambda, 8) == score::marginal_relevance(r, v, lambda, 8).order);
}
