// Retrieval's figures beside computed ones (golden), and in cases that can be counted by hand.
#include "tasks/score/ranking.h"

#include "tasks/score/proportions.h"
#include "tasks/score/top_k.h"
#include "tests/support/golden_json.h"

using namespace test;

TEST_CASE("retrieve: ranks 1, 2 and 3 give accuracy 1/3 and (1 + 1/2 + 1/3)/3, whatever the lengths of the vectors") {
  const Tensor candidates({3, 2}, {10, 0, real(0.1), real(0.1), 0, 5});  // 0, 45 and 90 degrees
  const Tensor queries({3, 2}, {1, real(0.1), real(0.9), real(0.1), 2, real(0.2)});
  const score::Retrieval r = score::retrieve(queries, candidates);  // all look to the first: own ranks 1, 2, 3
  CHECK(r.accuracy == doctest::Approx(1. / 3));
  CHECK(r.mrr == doctest::Approx((1 + 1. / 2 + 1. / 3) / 3));
}

TEST_CASE("retrieve: vectors that hold a NaN are refused, not found nearest of all") {
  Tensor found = varied({3, 2});
  found.data()[1] = real(NAN);
  for (const bool first : {true, false})
    CHECK(error_of([&] {
            first ? score::retrieve(found, varied({3, 2})) : score::retrieve(varied({3, 2}), found);
          }) == "retrieve: the vectors hold a NaN or infinity");
}

TEST_CASE("retrieve: vectors that are all alike find nothing, and so do rows of zeros") {
  const Tensor same = Tensor::full({4, 3}, 2);
  CHECK(score::retrieve(same, same).accuracy == 0);
  CHECK(score::retrieve(same, same).mrr == doctest::Approx(0.25));
  CHECK(score::retrieve(Tensor::zeros({4, 3}), varied({4, 3})).accuracy == 0);
  CHECK(score::retrieve(varied({4, 3}), varied({4, 3})).accuracy == 1);
  CHECK(error_of([&] { score::retrieve(same, Tensor::zeros({3, 3})); }).find("one shape [n, C]") != std::string::npos);
}

TEST_CASE("own_ranks: golden ranks of aligned pairs in both directions, their recall and their median") {
  const json file = golden_json("ranking.json")["retrieval"]["aligned_pairs"];
  const auto vectors = [&](const std::string& side) {
    const Rows rows = file[side];
    Tensor t({long(rows.size()), long(rows[0].size())});
    for (long i = 0; i < t.numel(); ++i) t.data()[i] = real(rows[size_t(i / t.dim(1))][size_t(i % t.dim(1))]);
    return t;
  };
  const Tensor left = vectors("left"), right = vectors("right");
  const std::vector<double> ranks[] = {score::own_ranks(left, right), score::own_ranks(right, left)};
  CHECK(json(ranks[0]) == file["rank_left_to_right"]);
  CHECK(json(ranks[1]) == file["rank_right_to_left"]);
  for (int side = 0; side < 2; ++side) {
    expect(score::quantile(ranks[side], 0.5), file["median_rank"][side], "median");
    for (const auto& [name, want] : file.items())
      if (name.starts_with("recall@"))
        expect(score::hit_rate(ranks[side], std::stol(name.substr(7))), want[side], name);
  }
}
