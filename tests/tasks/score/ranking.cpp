// Retrieval's figures in cases that can be counted by hand.
#include "tasks/score/ranking.h"

#include "tests/support/support.h"

using namespace test;

TEST_CASE("retrieve: ranks 1, 2 and 3 give accuracy 1/3 and (1 + 1/2 + 1/3)/3, whatever the lengths of the vectors") {
  const Tensor candidates({3, 2}, {10, 0, real(0.1), real(0.1), 0, 5});  // 0, 45 and 90 degrees
  const Tensor queries({3, 2}, {1, real(0.1), real(0.9), real(0.1), 2, real(0.2)});
  const score::Retrieval r = score::retrieve(queries, candidates);  // all look to the first: own ranks 1, 2, 3
  CHECK(r.accuracy == doctest::Approx(1. / 3));
  CHECK(r.mrr == doctest::Approx((1 + 1. / 2 + 1. / 3) / 3));
}

TEST_CASE("retrieve: vectors that are all alike find nothing, and so do rows of zeros") {
  const Tensor same = Tensor::full({4, 3}, 2);
  CHECK(score::retrieve(same, same).accuracy == 0);
  CHECK(score::retrieve(same, same).mrr == doctest::Approx(0.25));
  CHECK(score::retrieve(Tensor::zeros({4, 3}), varied({4, 3})).accuracy == 0);
  CHECK(score::retrieve(varied({4, 3}), varied({4, 3})).accuracy == 1);
  CHECK(error_of([&] { score::retrieve(same, Tensor::zeros({3, 3})); }).find("one shape [n, C]") != std::string::npos);
}
