// Ranking of sentence vectors against closed forms.
#include "nn/loss/ranking.h"

#include "tests/support/gradcheck.h"

using namespace test;

TEST_CASE("unit_rows: rows of length 1, a row of zeros stays one") {
  CHECK(differs(nn::unit_rows(Tensor({2, 2}, {3, -4, 0, 0})), Tensor({2, 2}, {real(0.6), real(-0.8), 0, 0})) == "");
}

TEST_CASE("in_batch_ranking: log B when all vectors are alike, and log(1 + e^-2s) for two opposite ones") {
  const Tensor same = Tensor::full({3, 4}, real(0.7));
  CHECK(nn::in_batch_ranking(same, same, 20).item() == doctest::Approx(std::log(3.)).epsilon(1e-5));
  const Tensor opposite({2, 2}, {1, 2, -2, -4});  // cosines 1 and -1, whatever the lengths
  CHECK(nn::in_batch_ranking(opposite, opposite, 1).item() == doctest::Approx(std::log1p(std::exp(-2.))).epsilon(1e-5));
  // cosines 1, 0 and 0.6, 0.8: rows and columns both count
  const Tensor students({2, 2}, {2, 0, 3, 4}), teachers({2, 2}, {1, 0, 0, 1});
  const auto log_sum = [](double a, double b) { return std::log(std::exp(a) + std::exp(b)); };
  const double rows = (log_sum(1, 0) - 1 + log_sum(0.6, 0.8) - 0.8) / 2;
  const double columns = (log_sum(1, 0.6) - 1 + log_sum(0, 0.8) - 0.8) / 2;
  CHECK(nn::in_batch_ranking(students, teachers, 1).item() == doctest::Approx((rows + columns) / 2).epsilon(1e-5));
  CHECK(error_of([&] { nn::in_batch_ranking(same, opposite, 20); }).find("one shape [B, C]") != std::string::npos);
}

TEST_CASE("gradcheck: sentence vectors and their ranking") {
  const Tensor teacher = varied({3, 4}, 5);
  gradcheck("unit_rows", {varied({3, 4})}, [](const auto& x) { return nn::unit_rows(x[0]); });
  gradcheck("in_batch_ranking", {varied({3, 4})},
            [&](const auto& x) { return nn::in_batch_ranking(x[0], teacher, 3); });
}
