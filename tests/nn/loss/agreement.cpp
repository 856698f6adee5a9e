// Agreement of two predictions, of two tasks' attention, and of two representations: closed forms and gradients.
// Read nn/loss/agreement.h, nn/loss/attention_transfer.h and nn/loss/similarity.h before.
#include "nn/loss/agreement.h"
#include "nn/loss/attention_transfer.h"
#include "nn/loss/contrastive.h"
#include "nn/loss/distil.h"
#include "nn/loss/similarity.h"
#include "tests/support/gradcheck.h"

using namespace test;
using namespace nn;
using doctest::Approx;

namespace {

using List = const std::vector<Tensor>&;

// Columns of cosines of whole periods over n texts: they sum to 0, and are orthogonal to each other.
Tensor waves(long n, std::vector<int> frequencies) {
  Tensor x({n, long(frequencies.size())});
  for (long i = 0; i < n; ++i)
    for (size_t c = 0; c < frequencies.size(); ++c)
      x.data()[i * long(frequencies.size()) + long(c)] =
          real(std::cos(2 * M_PI * frequencies[c] * double(i) / double(n)));
  return x;
}

}  // namespace

TEST_CASE("jensen_shannon: 0 for equal predictions, log 2 for certain ones that differ, and symmetric") {
  const Tensor a = varied({4, 3}), b = varied({4, 3}, 2);
  CHECK(std::abs(jensen_shannon(a, a).item()) < 1e-6);
  CHECK(jensen_shannon(a, b).item() == Approx(jensen_shannon(b, a).item()));
  const Tensor sure({1, 2}, {real(200), 0}), other({1, 2}, {0, real(200)});
  CHECK(jensen_shannon(sure, other).item() == Approx(std::log(2.)));
  // p = (1/2, 1/2), q = (3/4, 1/4): m = (5/8, 3/8)
  const Tensor half({1, 2}, {0, 0}), three({1, 2}, {real(std::log(3.)), 0});
  const double p = 0.5 * std::log(0.5 / 0.625) + 0.5 * std::log(0.5 / 0.375);
  const double q = 0.75 * std::log(0.75 / 0.625) + 0.25 * std::log(0.25 / 0.375);
  CHECK(jensen_shannon(half, three).item() == Approx((p + q) / 2));
  CHECK(error_of([&] { jensen_shannon(a, half); }).find("jensen_shannon: logits must have one shape") == 0);
}

TEST_CASE("losses: of no texts there is no mean, and each says so") {
  const Tensor none(Shape{0, 3});
  for (const auto& loss : std::initializer_list<Tensor (*)(const Tensor&, const Tensor&)>{
           jensen_shannon, patient_kd, hidden_mse, hidden_cosine, attention_score_mse,
           [](const Tensor&a, const Tensor&b) { return distillation(a, b, 2); },
           [](const Tensor&a, const Tensor&b) { return soft_cross_entropy(a, b, 2); },
           [](const Tensor&a, const Tensor&b) { return multiple_negatives(a, b, {}); }})
    CHECK(error_of([&] { loss(none, none); }).find("not be empty; got [0, 3]") != std::string::npos);
}

TEST_CASE("jensen_shannon: gradients go to both sides, and stay finite where both probabilities vanish") {
  gradcheck("jensen_shannon", {varied({4, 3}), varied({4, 3}, 2)}, [](List x) { return jensen_shannon(x[0], x[1]); });
  Tensor a = Tensor({1, 3}, {real(500), 0, 0}).require_grad(), b = Tensor({1, 3}, {0, real(500), 0}).require_grad();
  backward(jensen_shannon(a, b));
  for (int i = 0; i < 3; ++i) CHECK((std::isfinite(a.grad()[i]) && std::isfinite(b.grad()[i])));
}

TEST_CASE(
    "attention_mean_kl: closed form for two queries against one, 0 for the same attention, and for the student only") {
  const Indices offsets{0, 2, 5}, one{0, 1, 2};
  const Ragged two_heads(one, offsets, 2), one_head(one, offsets, 1);
  // Sequence 0 has two tokens, two heads of the student side by side; then sequence 1.
  const Tensor student({10}, {0.2f, 0.8f, 0.6f, 0.4f, 0.2f, 0.3f, 0.5f, 0.4f, 0.3f, 0.3f});
  const Tensor teacher({5}, {0.5f, 0.5f, 0, 0.6f, 0.4f});
  const double first = 0.5 * std::log(0.5 / 0.4) + 0.5 * std::log(0.5 / 0.6);
  const double second = 0.6 * std::log(0.6 / 0.3) + 0.4 * std::log(0.4 / 0.4);
  CHECK(attention_mean_kl(student, two_heads, teacher, one_head).item() == Approx((first + second) / 2).epsilon(1e-5));
  CHECK(std::abs(attention_mean_kl(student, two_heads, student, two_heads).item()) < 1e-6);
  gradcheck("attention_mean_kl", {varied({10})},
            [&](List x) { return attention_mean_kl(ragged_softmax(x[0], two_heads), two_heads, teacher, one_head); });
  Tensor s = Tensor(student).require_grad(), t = Tensor(teacher).require_grad();
  backward(attention_mean_kl(s, two_heads, t, one_head));
  CHECK((s.has_grad() && !t.has_grad()));
  s.require_grad(false);
  const Ragged elsewhere(one, Indices{0, 3, 5}, 1);
  CHECK(error_of([&] { attention_mean_kl(student, two_heads, teacher, elsewhere); }).find("the same tokens") !=
        std::string::npos);
}

TEST_CASE("linear_cka: 1 for rotations, scalings and shifts, 0 for orthogonal features, between for shared ones") {
  const Tensor x = waves(24, {1, 2});
  CHECK(linear_cka(x, x) == Approx(1));
  const Tensor rotation({2, 2}, {real(std::cos(0.7)), real(-std::sin(0.7)), real(std::sin(0.7)), real(std::cos(0.7))});
  CHECK(linear_cka(x, matmul(x, rotation) * real(-3.5) + Tensor::scalar(7)) == Approx(1));
  CHECK(linear_cka(x, waves(24, {3, 4, 5})) < 1e-6);
  // One of two shared: |y^T x| = 12, |x^T x| = |y^T y| = 12 sqrt(2).
  CHECK(linear_cka(x, waves(24, {2, 5})) == Approx(0.5));
  CHECK(linear_cka(x, waves(24, {2})) == Approx(1 / std::sqrt(2.)));
  // Columns of other lengths: |y^T x|^2 = 12^2 (1 + 4), |x^T x| = 12 sqrt(2), |y^T y| = 12 sqrt(1 + 16).
  const Tensor stretched = x * Tensor({2}, {1, 2});
  CHECK(linear_cka(x, stretched) == Approx(5 / (std::sqrt(2.) * std::sqrt(17.))));
  const Tensor a = varied({30, 4}), b = varied({30, 3}, 2);
  CHECK(linear_cka(a, b) == Approx(linear_cka(b, a)));
}

TEST_CASE("linear_cka: what does not vary has nothing in common, and texts must pair up") {
  CHECK(linear_cka(waves(8, {1}), Tensor::full({8, 2}, 3)) == 0);
  CHECK(linear_cka(waves(8, {1}) * real(1e18), waves(8, {1}) * real(1e-15)) == Approx(1));
  CHECK(error_of([] { linear_cka(waves(8, {1}), waves(6, {1})); }).find("same n > 1 texts; got [8, 1] and [6, 1]") !=
        std::string::npos);
}
