// In scope or not by vectors, against values worked out by hand and by what must not change them. Read
// tasks/score/scope.h before.
#include "tasks/score/scope.h"

#include <cmath>

#include "tests/support/support.h"

using namespace test;
using namespace score;
using engine::Tensor;

namespace {

// Two classes, their means (0, 0) and (10, 0); the spread along x is 1, along y 2.
const Tensor kVectors({8, 2}, {-1, 0, 1, 0, 0, -2, 0, 2, 9, 0, 11, 0, 10, -2, 10, 2});
const std::vector<int> kClasses{0, 0, 0, 0, 3, 3, 3, 3};  // 1 and 2 have no vector

}  // namespace

TEST_CASE("mahalanobis: distances to the nearest mean in units of the pooled covariance, as worked out by hand") {
  // S = diag(2/4, 8/4) + 1e-3 (0.5 + 2) / 2 I
  const double ridge = 1e-3 * 2.5 / 2;
  const Mahalanobis m(kVectors, kClasses);
  const std::vector<double> got = m.scores(Tensor({4, 2}, {3, 0, 0, 3, 10, 4, 5, 0}));
  CHECK(got[0] == doctest::Approx(-9 / (0.5 + ridge)));
  CHECK(got[1] == doctest::Approx(-9 / (2 + ridge)));
  CHECK(got[2] == doctest::Approx(-16 / (2 + ridge)));
  CHECK(got[3] == doctest::Approx(-25 / (0.5 + ridge)));
  CHECK(got[1] > got[0]);  // as far, but along the wide axis
}

TEST_CASE("mahalanobis: turned and moved together, vectors and queries keep their scores") {
  const auto turned = [](const Tensor& x) {
    Tensor y(x.shape());
    for (long i = 0; i < x.dim(0); ++i) {
      const double a = double(x.data()[2 * i]), b = double(x.data()[2 * i + 1]);
      y.data()[2 * i] = engine::real(0.6 * a - 0.8 * b + 1);
      y.data()[2 * i + 1] = engine::real(0.8 * a + 0.6 * b - 2);
    }
    return y;
  };
  const Tensor queries({3, 2}, {3, 1, -2, 2, 7, 5});
  const std::vector<double> before = Mahalanobis(kVectors, kClasses).scores(queries);
  const std::vector<double> after = Mahalanobis(turned(kVectors), kClasses).scores(turned(queries));
  for (size_t i = 0; i < before.size(); ++i) CHECK(after[i] == doctest::Approx(before[i]).epsilon(1e-4));
}

TEST_CASE("mahalanobis: fewer vectors than dimensions still have an inverse, by the ridge") {
  const Mahalanobis m(Tensor({2, 3}, {1, 0, 0, 0, 1, 0}), {0, 0});
  const std::vector<double> got = m.scores(Tensor({1, 3}, {0.5, 0.5, 1}));
  CHECK(std::isfinite(got[0]));
  CHECK(got[0] < 0);
}

TEST_CASE("neighbour_scores: the distance to the k-th nearest unit vector, the farthest where there are fewer") {
  const Tensor vectors({3, 2}, {1, 0, 0, 1, 0.6, 0.8}), query({1, 2}, {1, 0});
  CHECK(neighbour_scores(query, vectors, 1)[0] == doctest::Approx(0).epsilon(1e-3));
  CHECK(neighbour_scores(query, vectors, 2)[0] == doctest::Approx(-std::sqrt(0.8)));
  CHECK(neighbour_scores(query, vectors, 3)[0] == doctest::Approx(-std::sqrt(2)));
  CHECK(neighbour_scores(query, vectors, 9)[0] == doctest::Approx(-std::sqrt(2)));
  CHECK(error_of([&] { neighbour_scores(query, vectors, 0); }).find("k from 1") != std::string::npos);
}

TEST_CASE("spheres: the radius is where the published loss is least, and the score is the way to the nearest surface") {
  const Tensor vectors({5, 1}, {-3, -1, 0, 1, 3});  // distances 3, 1, 0, 1, 3 of the mean 0
  const Spheres s(vectors, {0, 0, 0, 0, 0});
  CHECK(s.radii() == std::vector<double>{1});
  const auto loss = [](double d) {
    double sum = 0;
    for (const double x : {3.0, 1.0, 0.0, 1.0, 3.0}) sum += (x - d) * (x > d) + (d - x) * (x < d);
    return sum;
  };
  for (double d = 0; d < 4; d += 0.125) CHECK(loss(s.radii()[0]) <= loss(d));
  const std::vector<double> got = s.scores(Tensor({3, 1}, {0.5, 1, -4}));
  CHECK(got[0] == doctest::Approx(0.5));
  CHECK(got[1] == doctest::Approx(0));
  CHECK(got[2] == doctest::Approx(-3));
  CHECK(Spheres(kVectors, kClasses).scores(Tensor({1, 2}, {10, 0}))[0] > 0);
}

TEST_CASE("scope: sizes that do not fit are named") {
  CHECK(error_of([] { Spheres(kVectors, {0, 1}); }).find("n classes; got") != std::string::npos);
  CHECK(error_of([] { Mahalanobis(kVectors, std::vector<int>(8, -1)); }).find("negative") != std::string::npos);
  CHECK(error_of([] {
          Spheres(kVectors, kClasses).scores(Tensor({1, 3}, {1, 2, 3}));
        }).find("[Q, 2]") != std::string::npos);
}
