// The attention layers: who sees whom, what the maps say, and what pooling is a mean of.
#include "nn/attention.h"

#include "tests/support/gradcheck.h"

using namespace test;

TEST_CASE("cross-attention: the result has the queries' rows and sees only the memory of its own sequence") {
  nn::Params params(1);
  const nn::MultiHeadAttention attend(params.root() / "cross", 8, 2, 0, real(0.3));
  params.initialise();
  const Ragged layout({0, 2, 5}, {0, 4, 7}, 2);
  const Tensor x = varied({5, 8}), memory = varied({7, 8}, 2);
  Tensor other = memory.clone();
  for (int i = 4 * 8; i < 7 * 8; ++i) other.data()[i] += 1;  // the second sequence's memory
  const Tensor a = attend(x, memory, layout), b = attend(x, other, layout);
  CHECK(a.shape() == Shape{5, 8});
  CHECK(differs(slice(a, 0, 0, 2), slice(b, 0, 0, 2), 0, 0) == "");
  CHECK(differs(slice(a, 0, 2, 5), slice(b, 0, 2, 5), 1e-3, 0) != "");
  nn::AttentionMaps maps;
  CHECK(differs(attend(x, memory, layout, &maps), a, 1e-6, 1e-5) == "");
  CHECK(maps.probs.numel() == 2 * (2 * 4 + 3 * 3));
}

TEST_CASE("attention pooling: weights sum to 1 per head and sequence, and the context is their mean of the rows") {
  nn::Params params(1);
  const nn::AttentionPool pool(params.root() / "pool", 6, 2, 0, 1);
  params.initialise();
  const Tensor x = varied({5, 6});
  nn::AttentionMaps maps;
  const Tensor y = pool(x, {0, 2, 5}, &maps);
  CHECK(differs(pool(x, {0, 2, 5}), y, 1e-6, 1e-5) == "");
  const real* a = maps.probs.data();  // of sequence 0: two numbers of head 0, then two of head 1
  CHECK(y.shape() == Shape{2, 12});
  for (int h = 0; h < 2; ++h) {
    CHECK(a[2 * h] + a[2 * h + 1] == doctest::Approx(1));
    for (int c = 0; c < 6; ++c)
      CHECK(y.data()[h * 6 + c] == doctest::Approx(a[2 * h] * x.data()[c] + a[2 * h + 1] * x.data()[6 + c]));
  }
}

TEST_CASE("mean_pool: each sentence's mean over its own tokens") {
  const Tensor x({3, 2}, {1, 2, 3, 6, -5, 7});
  CHECK(nn::mean_pool(x, {0, 2, 3}).to_vector() == std::vector<real>{2, 4, -5, 7});
  CHECK(error_of([&] { nn::mean_pool(x, {0, 2}); }).find("mean_pool: x must have 2 rows") == 0);
}

TEST_CASE("gradcheck: mean_pool") {
  gradcheck("mean_pool", {varied({5, 3})}, [](const auto& x) { return nn::mean_pool(x[0], {0, 2, 5}); });
}
