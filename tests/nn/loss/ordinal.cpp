// CORAL: a value computed by hand, gradients, ranks and shares. Read nn/loss/ordinal.h before.
#include "nn/loss/ordinal.h"

#include "nn/model/heads.h"
#include "tests/support/gradcheck.h"

using namespace test;
using namespace nn;
using doctest::Approx;

namespace {

using List = const std::vector<Tensor>&;

// Two texts, four classes.
Tensor two_texts() { return Tensor({2, 3}, {real(2), real(0.5), real(-1), real(0.3), real(-0.2), real(-0.7)}); }

}  // namespace

TEST_CASE("coral: the loss is the sum over the questions of the binary cross-entropies, by hand") {
  // text 0 is of class 2: above 0 and 1, not above 2; text 1 of class 0. Written out: -log s(2) - log s(0.5) - log(1 -
  // s(-1)) - log(1 - s(0.3)) - log(1 - s(-0.2)) - log(1 - s(-0.7)), halved
  CHECK(coral(two_texts(), {2, 0}).item() == Approx(1.3849734227384396).epsilon(1e-5));
  const Tensor x = two_texts().require_grad();
  backward(coral(x, {2, 0}));
  const double by_hand[] = {-0.05960146, -0.18877033, 0.13447071, 0.28722126, 0.22508300, 0.16590611};
  for (int i = 0; i < 6; ++i) CHECK(x.grad_data()[i] == Approx(by_hand[i]).epsilon(1e-4));
  gradcheck("coral", {varied({5, 3})}, [](List in) { return coral(in[0], {0, 1, 2, 3, 1}); });
  CHECK(error_of([] { coral(two_texts(), {4, 0}); }) == "coral: classes are 0 to 3; got 4 at text 0");
  CHECK(error_of([] { coral(two_texts(), {0}); }).find("coral: logits must be [B, K - 1], a row for each of the 1") ==
        0);
}

TEST_CASE("coral: a text's class is how many questions are answered by yes; shares are differences and sum to 1") {
  CHECK(ranks_of(two_texts()) == Indices{2, 1});
  const Tensor shares = class_shares(two_texts());
  const double by_hand[] = {0.11920292, 0.25833775, 0.35351791, 0.26894142,
                            0.42555748, 0.12427651, 0.11835377, 0.33181223};
  for (int i = 0; i < 8; ++i) CHECK(shares.data()[i] == Approx(by_hand[i]).epsilon(1e-5));
  const Tensor crossed = class_shares(Tensor({1, 2}, {real(-1), real(1)}));  // biases that are not in order yet
  double sum = 0;
  for (int k = 0; k < 3; ++k) {
    CHECK(crossed.data()[k] >= 0);
    sum += crossed.data()[k];
  }
  CHECK(sum == Approx(1));
}

TEST_CASE("coral: first biases say what the counts say") {
  const std::vector<real> biases = first_biases({1, 2, 6, 1});  // log((10 - b + 1/2) / (b + 1/2)), b = 1, 3, 9
  REQUIRE(biases.size() == 3);
  CHECK(biases[0] == Approx(1.8458266904983307));
  CHECK(biases[1] == Approx(0.7621400520468967));
  CHECK(biases[2] == Approx(-1.845826690498331));
}

TEST_CASE("ranks: one direction for all questions, a bias for each") {
  Params params(3);
  const Ranks ranks(params.root() / "classifier", 4, 5, real(0.5));
  params.initialise();
  for (int k = 0; k < 4; ++k) ranks.bias.data()[k] = real(4 - k);
  const Tensor h = varied({3, 4}), x = ranks(h);
  CHECK(x.shape() == Shape{3, 4});
  for (int i = 0; i < 3; ++i) {
    double dot = 0;
    for (int c = 0; c < 4; ++c) dot += double(h.data()[i * 4 + c]) * double(ranks.weight.data()[c]);
    for (int k = 0; k < 4; ++k) CHECK(x.data()[i * 4 + k] == Approx(dot + 4 - k).epsilon(1e-5));
  }
}
