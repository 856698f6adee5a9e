// The search by itself, over models that are a table: against every sequence there is, and each of its options.
#include "nn/model/beam.h"

#include <limits>
#include <map>
#include <numeric>

#include "tests/support/support.h"

using namespace test;

namespace {

constexpr int kEnd = 0, kStart = 99;

// A model whose logits depend on all tokens so far, in a way that looks random. It keeps what its rows have said.
struct Table {
  int V;
  real seed, toward_end = 0;
  int biased = kEnd;  // a token with another logit
  real bias = 0;
  std::vector<Indices> rows = {};
  explicit Table(int vocabulary, real s, real end = 0) : V(vocabulary), seed(s), toward_end(end) {}

  std::vector<real> logits(const Indices& past) const {
    double h = seed;
    for (const int id : past) h = std::fmod(h * 31.7 + 7.3 * id + 1.9, 1000.);
    std::vector<real> x(V);
    for (int v = 0; v < V; ++v) x[v] = real(2 * std::sin(h + 2.3 * v * v + v));
    x[kEnd] += toward_end;
    x[biased] += bias;
    return x;
  }
  Tensor next(const Indices& ids, const Indices& parents) {
    std::vector<Indices> now;
    std::vector<real> all;
    for (size_t j = 0; j < ids.size(); ++j) {
      now.push_back(ids[j] == kStart ? Indices{} : rows[parents[j]]);
      now.back().push_back(ids[j]);
      const std::vector<real> x = logits(now.back());
      all.insert(all.end(), x.begin(), x.end());
    }
    rows = now;
    return {{long(ids.size()), V}, all};
  }
  std::vector<nn::Hypothesis> search(const nn::SearchOptions& o, const nn::Asked& asked) {
    return nn::search([&](const Indices& ids, const Indices& parents) { return next(ids, parents); }, {asked}, kStart,
                      kEnd, o)[0];
  }

  // Every sequence of at most `most` tokens, with its sum of log p; the end at the limit costs nothing.
  void enumerate(Indices past, double sum, long most, std::vector<std::pair<double, Indices>>& all) const {
    if (long(past.size()) == most) return void((past.push_back(kEnd), all.emplace_back(sum, past)));
    std::vector<real> x = logits(past);
    double total = 0;
    for (const real l : x) total += std::exp(double(l));
    for (int v = 0; v < V; ++v) {
      Indices longer = past;
      longer.push_back(v);
      const double s = sum + double(x[v]) - std::log(total);
      if (v == kEnd)
        all.emplace_back(s, longer);
      else
        enumerate(longer, s, most, all);
    }
  }
  // The best of them under a length penalty.
  std::vector<nn::Hypothesis> exhaustive(double penalty, long most) const {
    std::vector<std::pair<double, Indices>> all;
    enumerate({kStart}, 0, most, all);
    std::vector<nn::Hypothesis> scored;
    for (auto& [sum, ids] : all) {
      ids.erase(ids.begin());
      scored.push_back({ids, sum / std::pow(double(ids.size()), penalty), {}});
    }
    std::stable_sort(scored.begin(), scored.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
    return scored;
  }
  // The best score that a beam of this width meets when nothing ever stops it.
  double beam_to_the_limit(size_t beams, double penalty, long most) const {
    std::vector<std::pair<double, Indices>> rows{{0, {kStart}}};
    double best = -1e9;
    for (long length = 1; length <= most; ++length) {
      std::vector<std::pair<double, Indices>> all, on;
      for (const auto& [sum, ids] : rows) {
        const std::vector<real> x = logits(ids);
        double total = 0;
        for (const real l : x) total += std::exp(double(l));
        for (int v = 0; v < V; ++v) {
          if (length == most && v != kEnd) continue;
          all.emplace_back(length == most ? sum : sum + double(x[v]) - std::log(total), ids);
          all.back().second.push_back(v);
        }
      }
      std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
      for (size_t rank = 0; rank < std::min(all.size(), 2 * beams); ++rank) {
        const bool ends = all[rank].second.back() == kEnd;
        if (ends && rank < beams) best = std::max(best, all[rank].first / std::pow(double(length), penalty));
        if (!ends && on.size() < beams) on.push_back(all[rank]);
      }
      rows = on;
    }
    return best;
  }
};

bool repeats(const Indices& ids, size_t n) {
  std::map<Indices, int> times;
  for (size_t i = 0; i + n <= ids.size(); ++i)
    if (++times[Indices(ids.begin() + i, ids.begin() + i + n)] > 1) return true;
  return false;
}

}  // namespace

TEST_CASE("beam: as wide as there are sequences, it finds the best of all of them, under every length penalty") {
  for (const double penalty : {0., 0.6, 1., 2., -0.5})
    for (int seed = 1; seed <= 12; ++seed) {
      Table table(4, real(seed));
      const std::vector<nn::Hypothesis> want = table.exhaustive(penalty, 5);  // 3 words, 5 places: 121 sequences
      const auto found = table.search({.beams = 128, .length_penalty = penalty, .n_best = 3}, {.most = 5});
      REQUIRE(found.size() == 3);
      for (size_t i = 0; i < 3; ++i) {
        CHECK(found[i].ids == want[i].ids);
        CHECK(found[i].score == doctest::Approx(want[i].score).epsilon(1e-5));
      }
    }
}

TEST_CASE("beam: in a large vocabulary it finds the best tokens wherever they stand") {
  for (int seed = 1; seed <= 30; ++seed) {
    Table table(301, real(seed));
    std::vector<nn::Hypothesis> want = table.exhaustive(0, 2);  // a token, then the end, which costs nothing
    std::erase_if(want, [](const nn::Hypothesis& h) { return h.ids[0] == kStart; });
    const auto found = table.search({.beams = 8, .length_penalty = 0, .n_best = 8, .forbidden = {kStart}}, {.most = 2});
    REQUIRE(found.size() == 8);
    for (size_t i = 0; i < 8; ++i) CHECK(found[i].ids == want[i].ids);
  }
}

TEST_CASE("beam: the exact stopping rule loses nothing against running to the end; stopping first does") {
  int worse_first = 0, worse_present = 0;
  for (const double penalty : {0.6, 1., 2.})
    for (int seed = 1; seed <= 60; ++seed) {
      const auto best = [&](nn::Stop stop) {
        Table table(12, real(seed), 1);
        return table.search({.beams = 3, .length_penalty = penalty, .stop = stop}, {.most = 14})[0].score;
      };
      const double to_the_end = Table(12, real(seed), 1).beam_to_the_limit(3, penalty, 14);
      CHECK(best(nn::Stop::exact) == doctest::Approx(to_the_end).epsilon(1e-5));
      worse_first += best(nn::Stop::first) < to_the_end - 1e-6;
      worse_present += best(nn::Stop::present) < to_the_end - 1e-6;
    }
  CHECK(worse_first > 10);
  CHECK(worse_present > 0);
}

TEST_CASE("beam: one beam follows the most likely token; several never score below it when the penalty is 0") {
  for (int seed = 1; seed <= 20; ++seed) {
    Table table(7, real(seed));
    const nn::Hypothesis greedy = table.search({.beams = 1, .length_penalty = 0}, {.most = 9})[0];
    Indices past{kStart};
    for (size_t t = 0; t < greedy.ids.size(); ++t) {
      const std::vector<real> x = table.logits(past);
      const int best = int(std::max_element(x.begin(), x.end()) - x.begin());
      CHECK(greedy.ids[t] == (t == 8 ? kEnd : best));
      past.push_back(greedy.ids[t]);
    }
    CHECK(table.search({.beams = 50, .length_penalty = 0}, {.most = 9})[0].score >= greedy.score - 1e-6);
  }
}

TEST_CASE("beam: least and most length, n-grams that occur once, forbidden and forced tokens are kept") {
  for (int seed = 1; seed <= 20; ++seed)
    for (const int beams : {1, 4}) {
      Table table(6, real(seed), 1);
      for (const auto& h : table.search({.beams = beams, .n_best = beams, .least = 5}, {.most = 8})) {
        CHECK((h.ids.size() >= 6 && h.ids.size() <= 8));
        CHECK(h.ids.back() == kEnd);
      }
      Table other(5, real(seed), -3);
      CHECK(!repeats(other.search({.beams = beams, .no_repeat = 2}, {.most = 20})[0].ids, 2));
      CHECK(!repeats(other.search({.beams = beams, .no_repeat = 1}, {.most = 4})[0].ids, 1));
      const Indices ids = other.search({.beams = beams, .forbidden = {3}}, {.most = 12, .forced = {2, 2, 4}})[0].ids;
      CHECK(std::count(ids.begin(), ids.end(), 3) == 0);
      CHECK(Indices(ids.begin(), ids.begin() + 3) == Indices{2, 2, 4});
    }
  CHECK(repeats(Table(5, 1, -3).search({.beams = 1}, {.most = 20})[0].ids, 2));  // without the option they do occur
}

TEST_CASE("beam: draws follow the probabilities, the temperature and the cuts, and the seed") {
  const auto first_tokens = [](nn::SearchOptions o) {
    std::vector<double> share(5);
    Table table(5, 3);
    o.sample = true;
    o.beams = 1;
    for (uint32_t n = 0; n < 1500; ++n) share[table.search(o, {.most = 2, .number = n})[0].ids[0]] += 1. / 1500;
    return share;
  };
  std::vector<double> p(5), hot(5);
  const std::vector<real> x = Table(5, 3).logits({kStart});
  double total = 0, total_hot = 0;
  for (int v = 0; v < 5; ++v) total += p[v] = std::exp(double(x[v])), total_hot += hot[v] = std::exp(double(x[v]) / 4);
  const std::vector<double> plain = first_tokens({}), warm = first_tokens({.temperature = 4});
  for (int v = 0; v < 5; ++v) {
    CHECK(std::abs(plain[v] - p[v] / total) < 0.05);  // four deviations of 1500 draws
    CHECK(std::abs(warm[v] - hot[v] / total_hot) < 0.05);
  }
  const int best = int(std::max_element(p.begin(), p.end()) - p.begin());
  CHECK(first_tokens({.top_k = 1})[best] == doctest::Approx(1));
  CHECK(first_tokens({.top_p = p[best] / total * 0.99})[best] == doctest::Approx(1));
  CHECK(first_tokens({.top_p = p[best] / total * 1.01})[best] < 0.999);
  CHECK(first_tokens({.seed = 1}) == first_tokens({.seed = 1}));
  CHECK(first_tokens({.seed = 1}) != first_tokens({.seed = 2}));
  Table table(5, 3);
  const auto several = table.search({.beams = 1, .n_best = 6, .sample = true}, {.most = 9});
  CHECK(several.size() == 6);
  CHECK(several[0].ids != several[5].ids);
}

TEST_CASE("beam: renormalised, neither what is found nor its score depends on the logits of what must not follow") {
  const auto found = [](real bias, bool renormalize, int beams, bool sample, const Indices& forced) {
    Table table(6, 4);
    table.biased = 3, table.bias = bias;
    const nn::SearchOptions o{
        .beams = beams, .n_best = 2, .forbidden = {3}, .renormalize = renormalize, .sample = sample};
    return table.search(o, {.most = 8, .forced = forced});
  };
  for (const Indices& forced : {Indices{}, Indices{2, 4}})
    for (const auto& [beams, sample] : {std::pair{4, false}, {2, false}, {1, true}}) {
      const auto a = found(0, true, beams, sample, forced), b = found(5, true, beams, sample, forced),
                 c = found(0, false, beams, sample, forced), d = found(5, false, beams, sample, forced);
      for (size_t i = 0; i < a.size(); ++i) {
        CHECK(a[i].ids == b[i].ids);
        CHECK(a[i].score == doctest::Approx(b[i].score).epsilon(1e-5));
        CHECK(a[i].log_probs.size() == b[i].log_probs.size());
      }
      CHECK(c[0].score > d[0].score + 1);  // the forbidden token keeps what it has
    }
}

TEST_CASE("beam: renormalised, log p is of what least, no_repeat and forbidden leave") {
  for (int seed = 1; seed <= 20; ++seed) {
    Table table(6, real(seed));
    const nn::Hypothesis h =
        table.search({.beams = 1, .least = 2, .no_repeat = 1, .forbidden = {3}, .renormalize = true}, {.most = 9})[0];
    Indices past{kStart};
    for (size_t t = 0; t < h.ids.size() && t < 4; ++t) {  // there are four words
      const std::vector<real> x = table.logits(past);
      double total = 0;
      for (int v = 0; v < 6; ++v) {
        const bool out = v == 3 || (v == kEnd && t < 2) || std::count(past.begin() + 1, past.end(), v);
        if (!out) total += std::exp(double(x[v]));
      }
      CHECK(h.log_probs[t] == doctest::Approx(double(x[h.ids[t]]) - std::log(total)).epsilon(1e-5));
      past.push_back(h.ids[t]);
    }
  }
}

TEST_CASE("beam: of forced tokens those that are free cost nothing, the others what the model says") {
  for (const int beams : {1, 4}) {
    Table table(6, 5);
    const auto search = [&](long free) {
      return table.search({.beams = beams, .length_penalty = 0}, {.most = 8, .forced = {2, 4}, .free = free})[0];
    };
    const nn::Hypothesis paid = search(0), once = search(1);
    CHECK(once.ids == paid.ids);
    CHECK(once.log_probs[0] == 0);
    CHECK(once.log_probs[1] == paid.log_probs[1]);
    CHECK(paid.log_probs[0] < -0.1);
    CHECK(once.score == doctest::Approx(paid.score - paid.log_probs[0]));
  }
}

TEST_CASE("beam: where no end is forced, what goes on at the limit ends as it is, at its whole price") {
  int without = 0;
  for (int seed = 1; seed <= 20; ++seed)
    for (const int beams : {1, 4}) {
      Table table(5, real(seed), -3);
      const auto found = table.search({.beams = beams, .n_best = beams, .force_end = false}, {.most = 6});
      for (const nn::Hypothesis& h : found) {
        CHECK((h.ids.size() == 6 || h.ids.back() == kEnd));
        without += h.ids.back() != kEnd;
        const double sum = std::accumulate(h.log_probs.begin(), h.log_probs.end(), 0.);
        CHECK(h.score == doctest::Approx(sum / double(h.ids.size())));
        CHECK(*std::max_element(h.log_probs.begin(), h.log_probs.end()) < 0);
      }
      const nn::Hypothesis forced = table.search({.beams = beams}, {.most = 6})[0];
      CHECK(forced.ids.back() == kEnd);
    }
  CHECK(without > 20);
}

TEST_CASE("beam: logits that hold a NaN or infinity are refused, whoever searches") {
  const real infinity = std::numeric_limits<real>::infinity();
  for (const real bad : {std::numeric_limits<real>::quiet_NaN(), infinity})
    for (const nn::SearchOptions& o : std::vector<nn::SearchOptions>{
             {.beams = 1}, {.beams = 3}, {.beams = 3, .renormalize = true}, {.beams = 1, .sample = true}}) {
      Table table(300, 1);
      table.biased = 299, table.bias = bad;
      CHECK(error_of([&] { table.search(o, {}); }) == "search: the model's logits hold a NaN or infinity");
    }
}

TEST_CASE("beam: what cannot be searched is refused") {
  Table table(5, 1);
  CHECK(error_of([&] { table.search({.beams = 2, .n_best = 3}, {}); }) == "search: 2 beams cannot give the 3 best");
  CHECK(error_of([&] { table.search({}, {.most = 0}); }) == "search: sentence 0 may have 0 tokens; its end is one");
  CHECK(error_of([&] {
          table.search({.least = 3, .forbidden = {1, 2, 3, 4}}, {});
        }) == "search: every continuation of a sentence is forbidden");
}
