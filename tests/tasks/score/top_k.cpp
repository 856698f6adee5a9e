// Lists of k and ranks among drawn candidates, beside scikit-learn's and recommenders' values (golden), and by hand.
// Read tasks/score/top_k.h before.
#include "tasks/score/top_k.h"

#include <numeric>
#include <set>

#include "tasks/score/catalogue.h"
#include "tasks/score/order.h"
#include "tests/support/golden_json.h"

using namespace test;
using namespace score;

namespace {

const std::map<std::string, double TopK::*> kTopKFigures{{"precision", &TopK::precision},
                                                         {"precision_over_listed", &TopK::precision_over_listed},
                                                         {"hr", &TopK::hr},
                                                         {"recall", &TopK::recall},
                                                         {"ndcg", &TopK::ndcg},
                                                         {"mrr", &TopK::mrr},
                                                         {"map", &TopK::map},
                                                         {"map_over_positives", &TopK::map_over_positives},
                                                         {"f1", &TopK::f1}};

// Every figure that the file has; null where a list without a relevant one leaves it undefined.
void expect_figures(const TopK& got, const json& want, const std::string& what) {
  for (const auto& [name, value] : want.items()) {
    if (name == "k") continue;
    REQUIRE_MESSAGE(kTopKFigures.count(name), name);
    if (value.is_null())
      CHECK_MESSAGE((!got.defined && got.*kTopKFigures.at(name) == 0), what, " ", name);
    else
      expect(got.*kTopKFigures.at(name), value, what + " " + name);
  }
}

std::vector<TopK> lists_of(const json& file, long k) {
  std::vector<TopK> lists;
  for (size_t u = 0; u < file["scores"].size(); ++u)
    lists.push_back(top_k(file["scores"][u], flags(file["relevant"][u]), k));
  return lists;
}

}  // namespace

TEST_CASE("top_k: golden figures of every user and their means, over users with a relevant item and over all") {
  const json file = golden_json("ranking.json");
  REQUIRE(!file["top_k"].empty());
  for (const json& want : file["top_k"]) {
    const std::vector<TopK> lists = lists_of(file, want["k"]);
    REQUIRE(lists.size() == want["per_user"].size());
    for (size_t u = 0; u < lists.size(); ++u)
      expect_figures(lists[u], want["per_user"][u], fmt::format("k {} user {}", want["k"].dump(), u));
    expect_figures(mean_of(lists, Undefined::skip), want["mean_over_users_with_positives"], "mean");
    expect_figures(mean_of(lists, Undefined::zero), want["mean_over_all_users_undefined_as_0"], "mean of all");
  }
}

TEST_CASE("top_k: golden means of recommenders over the users that it names") {
  const json file = golden_json("ranking.json");
  int cases = 0;
  for (const auto& [key, by_k] : file.items()) {
    const std::string prefix = "recommenders_users_";
    if (key.rfind(prefix, 0) != 0) continue;
    std::vector<size_t> users;
    std::stringstream numbers(key.substr(prefix.size()));
    for (std::string u; std::getline(numbers, u, '_');) users.push_back(std::stoul(u));
    for (const auto& [k, want] : by_k.items()) {
      std::vector<TopK> chosen;
      const std::vector<TopK> lists = lists_of(file, std::stol(k));
      for (const size_t u : users) chosen.push_back(lists.at(u));
      const TopK mean = mean_of(chosen, Undefined::skip);
      expect(mean.precision, want["precision"], "precision at " + k);
      expect(mean.recall, want["recall"], "recall at " + k);
      expect(mean.map_over_positives, want["map_over_positives"], "map at " + k);
      expect(mean.ndcg, want["ndcg_over_users_with_a_hit"], "ndcg at " + k);  // over all of them, whatever its name
      ++cases;
    }
  }
  CHECK(cases > 0);
}

TEST_CASE("sampled_rank: golden ranks among drawn items, and what ties do to the means") {
  const json file = golden_json("ranking.json")["sampled"];
  std::map<std::string, std::vector<double>> ranks;
  for (size_t i = 0; i < file["positive"].size(); ++i) {
    const SampledRank rank = sampled_rank(file["positive"][i], file["negatives"][i]);
    CHECK(rank.higher == file["higher"][i].get<long>());
    CHECK(rank.equal == file["equal"][i].get<long>());
    expect(rank.middle(), file["rank_mean"][i], "middle rank");
    ranks["optimistic"].push_back(rank.optimistic());
    ranks["pessimistic"].push_back(rank.pessimistic());
  }
  for (const auto& [which, own] : ranks) {
    CHECK(json(own) == file["rank_" + which]);
    REQUIRE(!file[which].empty());
    for (const auto& [name, want] : file[which].items()) {
      const size_t at = name.find('@');
      const long k = at == std::string::npos ? 0 : std::stol(name.substr(at + 1));
      const std::string figure = name.substr(0, at);
      REQUIRE((figure == "hr" || figure == "ndcg" || figure == "mrr"));
      expect(figure == "hr"     ? hit_rate(own, k)
             : figure == "ndcg" ? mean_gain(own, k)
                                : mean_reciprocal(own, k),
             want, which + " " + name);
    }
  }
}

TEST_CASE("top_k: golden retrieval of documents by their cosines to queries") {
  const json file = golden_json("ranking.json")["retrieval"];
  const Rows documents = file["documents"];
  std::map<long, std::vector<TopK>> at;
  std::vector<double> reciprocal, precision;
  for (size_t q = 0; q < file["queries"].size(); ++q) {
    std::vector<double> similarity;
    for (const std::vector<double>& d : documents) similarity.push_back(cosine(file["queries"][q], d));
    expect_all(similarity, file["similarity"][q], "cosine");
    CHECK(json(order_of(similarity)) == file["order"][q]);
    std::vector<bool> relevant(documents.size(), false);
    for (const int d : file["relevant"][q]) relevant[size_t(d)] = true;
    for (const json& want : file["at"]) at[want["k"]].push_back(top_k(similarity, relevant, want["k"]));
    const TopK whole = top_k(similarity, relevant, long(documents.size()));
    reciprocal.push_back(whole.mrr);
    precision.push_back(whole.map);
  }
  for (const json& want : file["at"]) expect_figures(mean_of(at[want["k"]], Undefined::skip), want, want["k"].dump());
  const auto mean = [](const std::vector<double>& x) {
    return std::accumulate(x.begin(), x.end(), 0.) / double(x.size());
  };
  expect(mean(reciprocal), file["mrr"], "mrr");
  expect(mean(precision), file["map"], "map");
}

TEST_CASE("order_of: falling, equal ones by index, zeros of both signs alike; top is its beginning") {
  const std::vector<double> x{0., 2, -0., 2, -1, 7, 0};
  CHECK(order_of(x) == std::vector<int>{5, 1, 3, 0, 2, 6, 4});
  CHECK(top(x, 4) == std::vector<int>{5, 1, 3, 0});
  CHECK(top(x, 40) == order_of(x));
  CHECK(top(x, 0).empty());
  CHECK(kth_smallest(x, 1) == -1);
  CHECK(kth_smallest(x, 7) == 7);
  CHECK(kth_smallest({3, 1, 2}, 2) == 2);
  CHECK(error_of([&] { kth_smallest(x, 8); }).find("k is 1 ... 7; got 8") != std::string::npos);
  CHECK(error_of([] { order_of({1, NAN}); }).find("score 1 is not a number") != std::string::npos);
}

TEST_CASE("top_k: a list shorter than k, relevant ones that were never listed, and what is refused") {
  const TopK t = top_k_of_ranked({false, true}, 4, 5);  // one hit at rank 2 of a list of two; three are not in it
  CHECK(t.precision == doctest::Approx(0.2));
  CHECK(t.precision_over_listed == doctest::Approx(0.5));
  CHECK(t.recall == doctest::Approx(0.25));
  CHECK(t.map == doctest::Approx(0.125));
  CHECK(t.ndcg == doctest::Approx(1 / std::log2(3.) / (1 + 1 / std::log2(3.) + 0.5 + 1 / std::log2(5.))));
  CHECK(error_of([] {
          top_k_of_ranked({true, true}, 1, 5);
        }).find("2 relevant ones in a list, but 1 in all") != std::string::npos);
  CHECK(error_of([] { top_k({1, 2}, {true}, 1); }).find("a score for every item; got 2 for 1") != std::string::npos);
  CHECK(error_of([] { top_k({1}, {true}, 0); }).find("above 0; got 0") != std::string::npos);
  CHECK(error_of([] { mean_of({}, Undefined::skip); }).find("one list at least") != std::string::npos);
  CHECK(hit_rate({1, 2.5, 11}, 10) == doctest::Approx(2. / 3));
  CHECK(error_of([] { hit_rate({0.5}, 10); }).find("ranks begin at 1; got 0.5") != std::string::npos);
}
