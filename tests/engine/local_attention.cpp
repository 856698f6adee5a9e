// Local attention with global tokens, beside dense attention with -inf where a query does not look; and the attention
// that each token receives.
#include <omp.h>

#include "tests/support/gradcheck.h"

using namespace test;

namespace {

constexpr real kHidden = -std::numeric_limits<real>::infinity();
const Indices kOffsets{0, 1, 6, 76, 226};  // sequences of 1, 5, 70 and 150
const DropoutMask kMask{real(0.25), {3, Stream::dropout, 9, 4}};

// 0 where a query sees a key, -inf elsewhere, by the definition.
Tensor band(const Indices& offsets, long heads, long w, long g) {
  std::vector<real> values;
  for (size_t b = 0; b + 1 < offsets.size(); ++b)
    for (long h = 0; h < heads; ++h)
      for (long i = 0; i < offsets[b + 1] - offsets[b]; ++i)
        for (long j = 0; j < offsets[b + 1] - offsets[b]; ++j)
          values.push_back(std::abs(i - j) <= w || i < g || j < g ? real(0) : kHidden);
  return Tensor({long(values.size())}, values);
}

using Normalise = Tensor (*)(const Tensor&, const Ragged&);

Tensor open_form(const Tensor& qkv, const Ragged& layout, const Tensor& hidden, const DropoutMask& mask,
                 Normalise normalise = ragged_softmax) {
  const long C = qkv.dim(1) / 3;
  Tensor s = attention_scores(slice(qkv, 1, 0, C), slice(qkv, 1, C, 2 * C), layout, real(0.4));
  if (hidden) s = s + hidden;
  return attention_apply(dropout(normalise(s, layout), mask), slice(qkv, 1, 2 * C, 3 * C), layout);
}

}  // namespace

TEST_CASE("local attention: equals dense attention with -inf outside the window, values and gradients, with dropout") {
  const Ragged dense(kOffsets, 2);
  for (const auto& reach : {std::array<long, 2>{0, 0}, {1, 1}, {3, 3}, {20, 1}, {40, 2}, {100, 1}, {1000, 9}})
    for (const DropoutMask& mask : {DropoutMask{}, kMask}) {
      const long w = reach[0], g = reach[1];
      CAPTURE(w);
      CAPTURE(g);
      const Ragged local = dense.within(w, g);
      const Tensor a = varied({226, 12}).require_grad(), b = a.clone().require_grad(), c = a.clone().require_grad();
      const Tensor weight = varied({226, 4}, 4);
      const Tensor fused = self_attention(a, local, real(0.4), mask);
      const Tensor masked = open_form(b, dense, band(kOffsets, 2, w, g), mask);
      const Tensor open = open_form(c, local, {}, mask);
      CHECK(differs(fused, masked, 1e-6, 1e-5) == "");
      CHECK(differs(open, masked, 1e-6, 1e-5) == "");
      for (const Tensor& y : {fused, masked, open}) backward(sum(y * weight));
      CHECK(differs(a.grad_tensor(), b.grad_tensor(), 1e-5, 1e-4) == "");
      CHECK(differs(c.grad_tensor(), b.grad_tensor(), 1e-5, 1e-4) == "");
    }
}

TEST_CASE("local attention: three tensors that have gradients already get theirs added") {
  const Ragged local = Ragged(kOffsets, 2).within(3, 1);
  std::vector<Tensor> x{varied({226, 4}), varied({226, 4}, 2), varied({226, 4}, 3)}, y;
  for (Tensor& t : x) y.push_back(t.require_grad().clone().require_grad());
  for (int pass = 0; pass < 2; ++pass) backward(sum(attention(x[0], x[1], x[2], local, 1) * varied({226, 4}, 4)));
  backward(sum(attention(y[0], y[1], y[2], local, 1) * varied({226, 4}, 4)) * real(2));
  for (int i = 0; i < 3; ++i) CHECK(differs(x[i].grad_tensor(), y[i].grad_tensor(), 1e-5, 1e-5) == "");
}

TEST_CASE("local attention: the normalisers give what they give for -inf scores outside the window, and 0 there") {
  const Indices offsets{0, 3, 12};
  const Ragged dense(offsets, 2), local = dense.within(1, 1);
  const Tensor s = varied({dense.size()}), hidden = band(offsets, 2, 1, 1);
  for (const Normalise f : {ragged_softmax, ragged_sparsemax, ragged_entmax15})
    CHECK(differs(f(s, local), f(s + hidden, dense), 1e-6, 1e-6) == "");
  const Tensor logs = ragged_log_softmax(s, local), p = ragged_softmax(s, local);
  for (long i = 0; i < s.numel(); ++i)
    CHECK(logs.data()[i] == (p.data()[i] > 0 ? doctest::Approx(std::log(p.data()[i])).epsilon(1e-5) : 0));
}

TEST_SUITE_BEGIN("gradcheck");
TEST_CASE("local attention has the right gradients, fused, open, and with each normaliser") {
  const Indices offsets{0, 3, 4, 24};
  for (const auto& [w, g] : {std::array<long, 2>{1, 1}, {2, 0}, {3, 2}}) {
    const Ragged local = Ragged(offsets, 2).within(w, g);
    for (const DropoutMask& mask : {DropoutMask{}, kMask})
      gradcheck("local self_attention", {varied({24, 12})},
                [&](auto& x) { return self_attention(x[0], local, real(0.4), mask); });
    for (const Normalise f : {ragged_softmax, ragged_log_softmax, ragged_sparsemax, ragged_entmax15})
      gradcheck("open local attention", {varied({24, 12})},
                [&](auto& x) { return open_form(x[0], local, {}, DropoutMask{}, f); });
  }
}
TEST_SUITE_END();

TEST_CASE("local attention: what lies outside the window changes no bit, global tokens reach everything") {
  const Ragged local = Ragged({0, 100}, 2).within(5, 1);
  const Tensor x = varied({100, 12});
  const auto changed = [&](long row, long i) {  // by another token `row`
    Tensor y = x.clone();
    for (long c = 0; c < 12; ++c) y.data()[row * 12 + c] += 1;
    return differs(slice(self_attention(y, local, 1), 0, i, i + 1), slice(self_attention(x, local, 1), 0, i, i + 1), 0,
                   0) != "";
  };
  CHECK(changed(50, 45));
  CHECK(changed(50, 55));
  CHECK(!changed(50, 44));
  CHECK(!changed(50, 56));
  CHECK(changed(99, 0));  // [CLS] sees all
  CHECK(changed(0, 99));  // and is seen by all
}

TEST_CASE("local attention: the same bits with 1, 2 and 4 threads, and no more pairs than are seen") {
  const int before = omp_get_max_threads();
  const Ragged local = Ragged(kOffsets, 2).within(9, 1);
  std::vector<std::vector<real>> runs;
  for (const int threads : {1, 2, 4}) {
    omp_set_num_threads(threads);
    const Tensor x = varied({226, 12}).require_grad();
    Tensor received;
    const Tensor y = self_attention(x, local, 1, kMask, &received);
    backward(sum(y * y));
    runs.push_back(y.to_vector());
    for (const Tensor& t : {received, x.grad_tensor()}) {
      const std::vector<real> bits = t.to_vector();
      runs.back().insert(runs.back().end(), bits.begin(), bits.end());
    }
  }
  omp_set_num_threads(before);
  CHECK(same_bits(runs[0], runs[1]));
  CHECK(same_bits(runs[0], runs[2]));
  long seen = 0;
  const Tensor mask = band(kOffsets, 2, 9, 1);
  for (long i = 0; i < mask.numel(); ++i) seen += mask.data()[i] == 0;
  CHECK(local.pairs() == seen);
  CHECK(Ragged(kOffsets, 2).pairs() == mask.numel());
}

TEST_CASE("local attention: layouts that cannot have a window are refused") {
  const Ragged layout({0, 3}, 2);
  CHECK(error_of([&] { layout.within(-1, 1); }).find("must be 0 or more; got -1 and 1") != std::string::npos);
  CHECK(error_of([&] { Ragged({0, 3}, 2, true).within(1, 1); }).find("looks at all of itself") != std::string::npos);
  CHECK(error_of([&] { Ragged({0, 1}, {0, 3}, 2).within(1, 1); }).find("looks at all of itself") != std::string::npos);
}

TEST_CASE("received attention: the fused op's equals that of the open probabilities, before dropout") {
  for (const Ragged& layout : {Ragged(kOffsets, 2), Ragged(kOffsets, 2, true), Ragged(kOffsets, 2).within(7, 1)}) {
    const Tensor x = varied({226, 12});
    const Tensor p = ragged_softmax(attention_scores(slice(x, 1, 0, 4), slice(x, 1, 4, 8), layout, real(0.4)), layout);
    Tensor received;
    const Tensor y = self_attention(x, layout, real(0.4), kMask, &received);
    CHECK(same_bits(y.to_vector(), self_attention(x, layout, real(0.4), kMask).to_vector()));
    CHECK(received.shape() == Shape{226});
    CHECK(differs(received, ragged_received(p, layout), 1e-5, 1e-5) == "");
    CHECK(sum(received).item() == doctest::Approx(2 * 226).epsilon(1e-5));  // every query of every head gives 1
  }
}
