// Cached gradients against the gradient of the whole batch, dropout included. Read nn/loss/cached.h before.
#include "nn/loss/cached.h"

#include "nn/layers.h"
#include "nn/loss/contrastive.h"
#include "nn/loss/ranking.h"
#include "tests/support/nn.h"

using namespace test;
using namespace nn;

namespace {

// Two layers with dropout, whose masks are drawn row by row of a part.
struct TwoLayers {
  Params params{3};
  Linear one, two;
  Dropout drop;
  explicit TwoLayers(real p)
      : one(params.root() / "one", 5, 6, real(0.5)),
        two(params.root() / "two", 6, 4, real(0.5)),
        drop(params.root(), p) {
    params.initialise();
    params.train(7);
  }
  Tensor operator()(const Tensor& x) const { return two(drop(gelu(one(x)))); }
  std::vector<real> gradient() {
    const std::vector<real> all = gradients_of(params);
    params.clear_grads();
    return all;
  }
};

// The first half of every part's rows are anchors, the second their positives.
Tensor ranking(const Tensor& z, const std::vector<long>& sizes) {
  std::vector<Tensor> anchors, positives;
  long begin = 0;
  for (const long n : sizes) {
    anchors.push_back(slice(z, 0, begin, begin + n / 2));
    positives.push_back(slice(z, 0, begin + n / 2, begin + n));
    begin += n;
  }
  return multiple_negatives(concat(anchors, 0), concat(positives, 0), {.symmetric = true});
}

}  // namespace

TEST_CASE("cached gradients: parts of a ranking loss give the parameters the gradient of the whole batch") {
  TwoLayers encode(0);
  const Tensor x = varied({18, 5}, 2);
  const std::vector<long> sizes{6, 8, 4};
  const Tensor whole = ranking(encode(x), sizes);
  const double value = double(whole.item());
  backward(whole);
  const std::vector<real> want = encode.gradient();

  std::vector<Tensor> inputs, parts;
  for (long begin = 0, p = 0; p < 3; begin += sizes[size_t(p++)]) {
    inputs.push_back(slice(x, 0, begin, begin + sizes[size_t(p)]));
    const NoGrad no_grad;
    parts.push_back(encode(inputs.back()));
  }
  const CachedLoss cached(parts, [&](const Tensor& z) { return ranking(z, sizes); });
  CHECK(cached.value() == doctest::Approx(value).epsilon(1e-6));
  double sum = 0;
  for (size_t p = 0; p < 3; ++p) {
    const double share = double(sizes[p]) / 18;
    const Tensor term = cached.through(p, encode(inputs[p]), share) * real(share);
    sum += double(term.item());
    backward(term);
  }
  CHECK(sum == doctest::Approx(value).epsilon(1e-5));
  const std::vector<real> got = encode.gradient();
  CHECK(largest_difference(got, want) < 2e-6);
  // Losses of parts, added up, are something else.
  long begin = 0;
  for (const long n : sizes) {
    backward(ranking(encode(slice(x, 0, begin, begin + n)), {n}) * real(double(n) / 18));
    begin += n;
  }
  CHECK(largest_difference(encode.gradient(), want) > 1e-2);
}

TEST_CASE("cached gradients: with dropout both walks draw the same masks where they begin at the same call") {
  TwoLayers encode(real(0.5));
  const Tensor x = varied({6, 5}, 2);
  const Indices classes{0, 1, 0, 1, 0, 1};
  const auto loss = [&](const Tensor& z) {
    return supervised_contrastive(unit_rows(z), classes, real(0.1), real(0.1));
  };
  encode.params.mode().calls = 5;
  const Tensor whole = loss(encode(x));
  backward(whole);
  const std::vector<real> want = encode.gradient();
  const auto cached_gradient = [&](uint32_t first, uint32_t second) {
    encode.params.mode().calls = first;
    const CachedLoss cached({encode(x).detach()}, loss);
    encode.params.mode().calls = second;
    backward(cached.through(0, encode(x)));
    return encode.gradient();
  };
  CHECK(largest_difference(cached_gradient(5, 5), want) < 2e-6);
  CHECK(largest_difference(cached_gradient(5, 6), want) > 1e-2);
}

TEST_CASE("cached gradients: parts of another shape, none at all, and a share of nothing are errors") {
  const auto loss = [](const Tensor& z) { return sum(z * z); };
  CHECK(error_of([&] { CachedLoss({}, loss); }).find("one part at least") != std::string::npos);
  const CachedLoss cached({varied({2, 3}, 1)}, loss);
  CHECK(error_of([&] { cached.through(0, varied({3, 3}, 1)); }).find("part 0 of 1") != std::string::npos);
  CHECK(error_of([&] { cached.through(1, varied({2, 3}, 1)); }).find("part 1 of 1") != std::string::npos);
  CHECK(error_of([&] { cached.through(0, varied({2, 3}, 1), 0); }).find("above 0") != std::string::npos);
}
