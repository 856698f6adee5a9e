// The numbers underneath: vector functions against <cmath>, Philox against its published vectors, sums, the pool.
#include <csignal>
#include <cstring>

#include <unistd.h>

#include "engine/blas.h"
#include "engine/parallel.h"
#include "engine/random.h"
#include "engine/simd.h"
#include "tests/support/support.h"

using namespace test;

namespace {

// Distance in units of the last place of the true value.
double ulps(float got, double want) {
  const double unit = std::max(double(std::nextafter(std::abs(float(want)), INFINITY)) - std::abs(float(want)), 1e-45);
  return std::abs(got - want) / unit;
}

// Floats from low to high through f, 2^17 of them for every doubling.
template <class F>
void sweep(float low, float high, F f) {
  for (double x = low; x < high; x += std::max(std::abs(x) * 0x1p-17, 1e-9)) f(float(x));
}

}  // namespace

TEST_CASE("simd: exp is within 2 ulp of the true value, 0 far below and infinite far above") {
  double worst = 0;
  sweep(-86.5f, 88.72f, [&](float x) { worst = std::max(worst, ulps(simd::exp(x), std::exp(double(x)))); });
  CHECK(worst <= 2);
  CHECK(simd::exp(-87.5f) == 0);
  CHECK(simd::exp(-INFINITY) == 0);
  CHECK(simd::exp(89.f) == INFINITY);
  CHECK(simd::exp(0.f) == 1);
  CHECK(std::isnan(simd::exp(float(NAN))));
}

TEST_CASE("simd: erf and tanh are within 2e-7, odd, exact at the ends, and pass NaN on") {
  double worst_erf = 0, worst_tanh = 0;
  sweep(-12.f, 12.f, [&](float x) {
    worst_erf = std::max(worst_erf, std::abs(simd::erf(x) - std::erf(double(x))));
    worst_tanh = std::max(worst_tanh, std::abs(simd::tanh(x) - std::tanh(double(x))));
    if (simd::erf(-x) != -simd::erf(x) || simd::tanh(-x) != -simd::tanh(x)) worst_erf = 1;
  });
  CHECK(worst_erf <= 2e-7);
  CHECK(worst_tanh <= 2e-7);
  CHECK(simd::erf(5.f) == 1);
  CHECK(simd::tanh(-INFINITY) == -1);
  CHECK(std::isnan(simd::erf(float(NAN))));
  CHECK(std::isnan(simd::tanh(float(NAN))));
}

TEST_CASE("philox: the vectors of the reference implementation") {
  using Words = std::array<uint32_t, 4>;
  CHECK(philox4x32({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox4x32({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}) == Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("random: words do not depend on where a request begins, streams and steps do not overlap") {
  const Random random{42, Stream::dropout, 3, 1};
  std::vector<uint32_t> all(1000), part(300);
  random.words(0, 1000, all.data());
  random.words(437, 300, part.data());
  CHECK(std::equal(part.begin(), part.end(), all.begin() + 437));
  for (const Random& other : {Random{42, Stream::init, 3, 1}, Random{42, Stream::dropout, 4, 1},
                              Random{42, Stream::dropout, 3, 2}, Random{43, Stream::dropout, 3, 1}}) {
    other.words(0, 300, part.data());
    CHECK(!std::equal(part.begin(), part.end(), all.begin()));
  }
}

TEST_CASE("random: uniforms fill the interval on both sides of 0 evenly") {
  std::vector<real> x(10001);
  Random{3, Stream::init}.uniforms(2, long(x.size()), x.data());
  CHECK(std::abs(simd::sum(x.data(), long(x.size())) / 10001) < 0.05);
  const auto [least, most] = std::minmax_element(x.begin(), x.end());
  CHECK(*least >= -2);
  CHECK(*least < -1.99);
  CHECK(*most < 2);
  CHECK(*most > 1.99);
}

TEST_CASE("random: normal numbers have the stated deviation, permutations have every number once") {
  std::vector<real> x(100'001);
  Random{1, Stream::init}.normals(real(0.02), long(x.size()), x.data());
  double sum = 0, squares = 0;
  for (real v : x) {
    sum += v;
    squares += double(v) * v;
  }
  CHECK(std::abs(sum / double(x.size())) < 3e-4);
  CHECK(std::sqrt(squares / double(x.size())) == doctest::Approx(0.02).epsilon(0.01));
  std::vector<int> order = permutation(1000, {1, Stream::shuffle}), sorted = order;
  CHECK(order != permutation(1000, {2, Stream::shuffle}));
  std::sort(sorted.begin(), sorted.end());
  for (int i = 0; i < 1000; ++i) CHECK(sorted[i] == i);
}

TEST_CASE("add_column_sums: adds to what is there, for widths beside the strips") {
  for (const long columns : {1, 63, 64, 65, 200}) {
    const Tensor x = varied({7, columns});
    std::vector<real> out(columns, 1);
    add_column_sums(x.data(), 7, columns, columns, out.data());
    for (long c = 0; c < columns; ++c) {
      double sum = 1;
      for (long r = 0; r < 7; ++r) sum += x.data()[r * columns + c];
      CHECK(out[c] == doctest::Approx(sum).epsilon(1e-5));
    }
  }
}

TEST_CASE("pool: in the double build who writes past the end is ended, and who reads there gets NaN" *
          doctest::skip(sizeof(real) == 4)) {
  const Buffer own(10);
  CHECK(std::isnan(own[0]));
  CHECK(std::isnan(own[10]));
  const auto status_after = [](long at, bool adds = false) {
    const pid_t child = fork();
    if (child == 0) {
      std::fclose(stderr);
      std::signal(SIGABRT, SIG_DFL);
      Buffer block(10);
      block[at] = adds ? block[at] + 1 : 1;
      block = Buffer();
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return status;
  };
  CHECK(status_after(9) == 0);
  CHECK(WIFSIGNALED(status_after(10)));
  CHECK(WIFSIGNALED(status_after(10, true)));
}

TEST_CASE("pool: a block that was given back is used again, and the count of bytes in use returns to what it was") {
  const long before = memory_use().in_use;
  real* first;
  {
    const Buffer a(5000);
    first = a.data();
    CHECK(reinterpret_cast<uintptr_t>(first) % 64 == 0);
    CHECK(memory_use().in_use >= before + long(5000 * sizeof(real)));
  }
  CHECK(memory_use().in_use == before);
#ifndef SANITIZED
  CHECK(Buffer(4990).data() == first);
#endif
  CHECK(error_of([] { Buffer(1L << 60); }).find("out of memory") == 0);
}

TEST_CASE("blas: this program runs on the best kernel of the processor, and says so") {
  const std::string text = blas_description();
  CHECK(text.find("OpenBLAS 0.") == 0);
  CHECK_MESSAGE(text.find("slow") == std::string::npos, text);
}
