// A catalogue and its lists beside recommenders' values (golden), and by hand. Read tasks/score/catalogue.h before.
#include "tasks/score/catalogue.h"

#include "tests/support/golden_json.h"

using namespace test;
using namespace score;

TEST_CASE("catalogue: golden coverage, diversity, novelty, entropy, Gini and popularity of seven lists") {
  const json file = golden_json("ranking.json")["lists"];
  const Lists lists = file["recommended"];
  const Rows vectors = file["item_vectors"];
  const long size = file["catalogue_size"];
  std::vector<long> had(size_t(size), 0);
  for (const std::vector<int>& pair : file["train_user_item"].get<std::vector<std::vector<int>>>())
    ++had.at(size_t(pair[1]));
  expect(catalogue_coverage(lists, size), file["catalogue_coverage"], "coverage");
  std::vector<double> diversities;
  double sum = 0;
  for (const std::vector<int>& list : lists) sum += diversities.emplace_back(diversity(list, vectors));
  expect_all(diversities, file["intra_list_diversity_per_user"], "diversity");
  expect(sum / double(lists.size()), file["intra_list_diversity"], "mean diversity");
  expect_all(item_novelty(had), file["item_novelty"], "novelty of an item");
  expect(mean_over(lists, item_novelty(had)), file["novelty"], "novelty");
  expect(entropy_bits(recommended(lists, size)), file["recommendation_entropy_bits"], "entropy");
  expect(gini(recommended(lists, size)), file["gini_of_recommendation_counts"], "Gini");
  expect(mean_over(lists, {had.begin(), had.end()}), file["mean_popularity"], "popularity");
  const json theirs = file["recommenders"];
  expect(catalogue_coverage(lists, size), theirs["catalog_coverage"], "recommenders' coverage");
  expect(mean_over(lists, item_novelty(had)), theirs["novelty"], "recommenders' novelty");
  expect(entropy_bits(recommended(lists, size)), theirs["distributional_coverage"], "recommenders' entropy");
  expect(sum / double(lists.size()), theirs["diversity_item_feature_vector"], "recommenders' diversity");
}

TEST_CASE("marginal_relevance: golden choices and their values, from relevance alone to diversity alone") {
  const json file = golden_json("ranking.json")["lists"];
  const Rows vectors = file["item_vectors"];
  std::vector<double> relevance;
  for (const std::vector<double>& v : vectors) relevance.push_back(cosine(file["mmr"]["query"], v));
  expect_all(relevance, file["mmr"]["relevance"], "relevance");
  REQUIRE(!file["mmr"]["runs"].empty());
  for (const json& want : file["mmr"]["runs"]) {
    const Marginal got = marginal_relevance(relevance, vectors, want["lambda"], want["k"]);
    CHECK(json(got.order) == want["order"]);
    expect_all(got.values, want["values"], "lambda " + want["lambda"].dump());
  }
}

TEST_CASE("catalogue: nothing shown, one item for all, and items that nobody had, by hand") {
  CHECK(catalogue_coverage({{}, {}}, 4) == 0);
  CHECK(gini({0, 0, 0}) == 0);
  CHECK(gini({2, 2, 2}) == doctest::Approx(0));
  CHECK(gini({0, 0, 0, 8}) == doctest::Approx(0.75));  // (n - 1) / n
  CHECK(entropy_bits({4, 4, 0}) == doctest::Approx(1));
  CHECK(std::isinf(item_novelty({0, 4})[0]));
  CHECK(item_novelty({0, 4})[1] == 0);
  CHECK(diversity({3}, {}) == 0);
  CHECK(cosine({0, 0}, {1, 2}) == 0);
  CHECK(error_of([] { recommended({{4}}, 4); }).find("items are 0 ... 3; got 4") != std::string::npos);
  CHECK(error_of([] { marginal_relevance({1}, {{1}}, 1.5, 1); }).find("0 ... 1; got 1.5") != std::string::npos);
}
