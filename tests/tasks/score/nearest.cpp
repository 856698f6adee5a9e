// Exact search against one loop over all vectors, ties included, at any number of threads. Read tasks/score/nearest.h
// before.
#include "tasks/score/nearest.h"

#include <omp.h>

#include <numeric>

#include "tests/support/support.h"

using namespace test;
using namespace score;

namespace {

// Every product in double, all sorted.
std::vector<int> naive(const Tensor& queries, const Tensor& vectors, long query, long k) {
  const long N = vectors.dim(0), C = vectors.dim(1);
  std::vector<double> scores(size_t(N), 0);
  for (long j = 0; j < N; ++j)
    for (long c = 0; c < C; ++c)
      scores[size_t(j)] += double(queries.data()[query * C + c]) * double(vectors.data()[j * C + c]);
  std::vector<int> order(size_t(N), 0);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return scores[size_t(a)] > scores[size_t(b)]; });
  order.resize(size_t(std::min(k, N)));
  return order;
}

// Small whole numbers: products are exact in float, and many are equal.
Tensor whole(const Shape& shape, int seed) {
  Tensor t(shape);
  for (long i = 0; i < t.numel(); ++i) t.data()[i] = real((i * i * 7 + i * 13 + seed * 31 + i / 17) % 5 - 2);
  return t;
}

}  // namespace

TEST_CASE("nearest: the same vectors in the same order as one loop over all, equal scores by index") {
  for (const auto& [Q, N, C] : std::vector<std::array<long, 3>>{{1, 1, 1}, {3, 7, 2}, {1, 2500, 6}, {70, 2049, 5}}) {
    const Tensor queries = whole({Q, C}, 1), vectors = whole({N, C}, 2);
    for (const long k : {1L, 5L, 40L, 3000L}) {
      const Neighbours got = nearest(queries, vectors, k);
      REQUIRE(got.k == std::min(k, N));
      for (long q = 0; q < Q; ++q) {
        const std::vector<int> want = naive(queries, vectors, q, k);
        CHECK_MESSAGE(std::vector<int>(got.of(q), got.of(q) + got.k) == want,
                      fmt::format("{} {} {}: k {}", Q, N, C, k));
      }
    }
  }
}

TEST_CASE("nearest: a vector among many finds itself, its score is their product, and scores fall") {
  Tensor vectors = varied({3000, 16}, 3);
  for (long j = 0; j < 3000; ++j) {
    double square = 0;
    for (long c = 0; c < 16; ++c) square += std::pow(double(vectors.data()[j * 16 + c]), 2);
    for (long c = 0; c < 16; ++c) vectors.data()[j * 16 + c] *= real(1 / std::sqrt(square));
  }
  const Neighbours got = nearest(slice(vectors, 0, 100, 200), vectors, 4);
  for (long q = 0; q < 100; ++q) {
    CHECK(got.of(q)[0] == 100 + q);
    CHECK(got.score[size_t(q * 4)] == doctest::Approx(1).epsilon(1e-5));
    for (long i = 1; i < 4; ++i) CHECK(got.score[size_t(q * 4 + i)] <= got.score[size_t(q * 4 + i - 1)]);
  }
}

TEST_CASE("nearest: the same bits for 1, 2 and 3 threads") {
  const Tensor queries = varied({5, 33}), vectors = varied({4100, 33}, 2);
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  const Neighbours one = nearest(queries, vectors, 7);
  for (const int threads : {2, 3}) {
    omp_set_num_threads(threads);
    const Neighbours more = nearest(queries, vectors, 7);
    CHECK(more.index == one.index);
    CHECK(same_bits(more.score, one.score));
  }
  omp_set_num_threads(before);
}

TEST_CASE("nearest: other widths, no k and products that are no numbers are refused; of no vectors none is near") {
  const Tensor queries = whole({2, 3}, 1);
  CHECK(nearest(queries, Tensor({0, 3}), 4).k == 0);
  CHECK(error_of([&] {
          nearest(queries, whole({4, 2}, 1), 1);
        }).find("queries [Q, C] and vectors [N, C]; got [2, 3]") != std::string::npos);
  CHECK(error_of([&] { nearest(queries, queries, 0); }).find("above 0; got 0") != std::string::npos);
  Tensor vectors = whole({2000, 3}, 1);
  vectors.data()[1500 * 3] = NAN;
  CHECK(error_of([&] { nearest(queries, vectors, 3); }).find("with vector 1500 is not a number") != std::string::npos);
}

TEST_CASE("nearest: an index of int8 copies finds the same vectors with the same scores, wherever they lie") {
  const auto same = [](const Tensor& queries, const Tensor& vectors) {
    const NearestIndex index(vectors);
    for (const long k : {1L, 7L, 100L, 5000L})
      for (long q = 0; q < queries.dim(0); ++q) {
        const Tensor query = slice(queries, 0, q, q + 1);
        const Neighbours got = index(query, k), want = nearest(query, vectors, k);
        CHECK(got.k == want.k);
        CHECK(got.index == want.index);
        CHECK(got.score == want.score);
      }
  };
  Tensor vectors = varied({3000, 24}, 3), queries = varied({4, 24}, 7);
  same(queries, vectors);
  same(whole({3, 6}, 1), whole({2500, 6}, 2));  // many are equal
  for (long i = 0; i < vectors.numel(); ++i) vectors.data()[i] = 1 + real(1e-4) * vectors.data()[i];
  same(queries, vectors);  // nearer to each other than a copy tells apart before the mean is taken away
  vectors.data()[24 * 1234] = 1000;
  same(queries, vectors);  // one of another size, which moves the mean
  CHECK(NearestIndex(varied({3000, 24}, 3)).left(varied({1, 24}, 7), 5) < 300);
  const NearestIndex none(Tensor(Shape{0, 3}));
  CHECK(none(varied({2, 3}, 1), 4).k == 0);
}

TEST_CASE("nearest: an index refuses numbers that are none") {
  Tensor vectors = varied({5, 3}, 1), query = varied({1, 3}, 2);
  const NearestIndex index(vectors);
  query.data()[1] = NAN;
  CHECK(error_of([&] { index(query, 2); }).find("NaN") != std::string::npos);
  vectors = varied({5, 3}, 1);
  vectors.data()[4] = INFINITY;
  CHECK(error_of([&] { NearestIndex again(vectors); }).find("NaN or infinity") != std::string::npos);
}
