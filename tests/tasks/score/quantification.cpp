// Shares behind confused counts.
#include "tasks/score/quantification.h"

#include "tests/support/support.h"

using namespace test;
using namespace score;
using doctest::Approx;

TEST_CASE("corrected: what a known confusion makes of true counts comes back; what cannot be stays in the simplex") {
  const std::vector<std::vector<double>> m{{80, 15, 5}, {10, 30, 10}, {0, 5, 45}};
  const std::vector<double> truth{50, 30, 20};
  std::vector<double> said(3, 0);
  const double rows[] = {100, 50, 50};
  for (size_t j = 0; j < 3; ++j)
    for (size_t k = 0; k < 3; ++k) said[k] += truth[j] * m[j][k] / rows[j];
  const std::vector<double> x = corrected(m, said);
  for (size_t k = 0; k < 3; ++k) CHECK(x[k] == Approx(truth[k]));
  const std::vector<double> edge = corrected(m, {0, 10, 0});
  CHECK(edge[0] >= 0);
  CHECK(edge[0] + edge[1] + edge[2] == Approx(10));
  CHECK(corrected({{1, 1}, {1, 1}}, {3, 4}) == std::vector<double>{3, 4});  // says nothing
  CHECK(corrected({{0, 0}, {0, 9}}, {3, 4})[0] == Approx(3));               // was not measured
}

TEST_CASE("on_simplex: the nearest point, by hand") {
  const std::vector<double> x = on_simplex({0.9, 0.6, -1}, 1);
  CHECK(x[0] == Approx(0.65));
  CHECK(x[1] == Approx(0.35));
  CHECK(x[2] == 0);
}
