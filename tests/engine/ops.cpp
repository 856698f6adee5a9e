// Properties of ops that no golden value shows: exactness at the edges, errors, twins.
#include "engine/ops.h"

#include <array>
#include <limits>

#include "engine/gemm_small.h"
#include "engine/simd.h"
#include "tests/support/support.h"

using namespace test;

namespace {
constexpr real kInf = std::numeric_limits<real>::infinity();
}

TEST_CASE("shape: sizes are checked, negative axes count from the end") {
  CHECK(Shape({2, 3})[-1] == 3);
  CHECK(Shape().numel() == 1);
  CHECK(Shape({2, 3}).text() == "[2, 3]");
  CHECK(error_of([] { Shape({-1}); }).find("no size may be negative") != std::string::npos);
  CHECK(error_of([] { Shape({1L << 40, 1L << 40}); }).find("64-bit") != std::string::npos);
  CHECK(error_of([] { (void)Shape({2})[1]; }).find("must be in [-1, 1); got 1") != std::string::npos);
}

TEST_CASE("softmax: rows sum to 1, ignore a shift, and stay finite far from zero") {
  Tensor x = varied({5, 33}), shifted = x.clone();
  for (long i = 0; i < x.numel(); ++i) shifted.data()[i] += 4;
  const Tensor y = softmax(x);
  for (long r = 0; r < 5; ++r) CHECK(simd::sum(y.data() + r * 33, 33) == doctest::Approx(1).epsilon(1e-6));
  CHECK(differs(softmax(shifted), y, 1e-6, 1e-5) == "");
  const Tensor far({1, 3}, {real(1e4), real(1e4), real(-1e4)});
  CHECK(softmax(far).to_vector() == std::vector<real>{real(0.5), real(0.5), 0});
  const Tensor masked({1, 2}, {0, -kInf});
  CHECK(softmax(masked).to_vector() == std::vector<real>{1, 0});
}

TEST_CASE("softmax: a NaN in a row stays a NaN") {
  const Tensor y = softmax(Tensor({1, 2}, {NAN, 0}));
  CHECK(std::isnan(y.data()[0]));
}

TEST_CASE("layer_norm: rows have mean 0 and variance 1 before gamma and beta") {
  const Tensor y = layer_norm(varied({4, 50}), Tensor::full({50}, 1), Tensor::zeros({50}), real(1e-12));
  for (long r = 0; r < 4; ++r) {
    const real* row = y.data() + r * 50;
    CHECK(std::abs(simd::sum(row, 50) / 50) < 1e-6);
    CHECK(simd::dot(row, row, 50) / 50 == doctest::Approx(1).epsilon(1e-5));
  }
}

TEST_CASE("layer_norm: a spread is found beside a mean half a million times as large") {
  std::vector<real> x(8);
  for (int i = 0; i < 8; ++i) x[i] = real(65536 + i / 8.);  // exact, like its mean
  const Tensor y = layer_norm(Tensor({1, 8}, x), Tensor::full({8}, 1), Tensor::zeros({8}), real(1e-12));
  for (int i = 0; i < 8; ++i) CHECK(y.data()[i] == doctest::Approx((i - 3.5) / std::sqrt(63 / 12.)).epsilon(1e-5));
}

TEST_CASE("layer_norm: says what must hold and what arrived, with names and shapes") {
  Tensor gamma = varied({512});
  gamma.named("LayerNorm.weight");
  CHECK(error_of([&] {
          layer_norm(varied({4, 768}), gamma, varied({768}), 0);
        }) ==
        "layer_norm: gamma and beta must be [768], the last axis of x; got x [4, 768], gamma 'LayerNorm.weight' [512], "
        "beta [768]");
}

TEST_CASE("elementwise: shapes that do not fit are refused") {
  CHECK(error_of([] { varied({4, 5}) + varied({4}); }).find("add: shapes must be equal") == 0);
  CHECK(error_of([] { varied({4, 5}) * varied({5, 1}); }).find("mul:") == 0);
}

TEST_CASE("div: the gradient of a divisor whose square no float holds is a number") {
  for (const auto& [a, b] : {std::pair{1e30, 1e20}, {1e10, 3e19}, {1e-24, 1e-24}}) {
    Tensor y = Tensor::full({1}, real(b));
    y.require_grad();
    backward(sum(Tensor::full({1}, real(a)) / y));
    CHECK(double(y.grad_data()[0]) * b * b / a == doctest::Approx(-1));
  }
}

TEST_CASE("matmul, linear and bmm: sizes that do not fit are refused") {
  CHECK(error_of([] { matmul(varied({2, 3}), varied({4, 5})); }).find("matmul: the inner sizes must be equal") == 0);
  CHECK(error_of([] { linear(varied({2, 3}), varied({4, 5})); }).find("linear:") == 0);
  CHECK(error_of([] { bmm(varied({2, 3, 4}), varied({3, 4, 5})); }).find("bmm:") == 0);
}

TEST_CASE("matmul: large products, cut into tiles, equal the sum of products") {
  const long M = 300, N = 900, K = 40;
  const Tensor a = varied({M, K}), b = varied({K, N}, 2), c = matmul(a, b);
  for (long i = 0; i < M; i += 37)
    for (long j = 0; j < N; j += 41) {
      double sum = 0;
      for (long k = 0; k < K; ++k) sum += double(a.data()[i * K + k]) * b.data()[k * N + j];
      CHECK(c.data()[i * N + j] == doctest::Approx(sum).epsilon(1e-5));
    }
}

TEST_CASE("matmul and linear: an inner size of 0 gives zeros and the bias, without rows nothing") {
  CHECK(matmul(Tensor::zeros({2, 0}), Tensor::zeros({0, 3})).to_vector() == std::vector<real>(6, 0));
  const Tensor y = linear(Tensor::zeros({2, 0}), Tensor::zeros({3, 0}), Tensor({3}, {1, 2, 3}));
  CHECK(y.to_vector() == std::vector<real>{1, 2, 3, 1, 2, 3});
  CHECK(linear(Tensor::zeros({0, 4}), varied({3, 4})).shape() == Shape{0, 3});
}

TEST_CASE("linear: over several tiles it equals the product and the sum") {
  const Tensor x = varied({700, 33}), w = varied({1700, 33}, 2), b = varied({1700}, 3);
  CHECK(differs(linear(x, w, b), matmul(x, w, Transpose::second) + b, 1e-5, 1e-5) == "");
}

TEST_CASE("attention: one tensor for queries and keys of different sequences is refused") {
  const Tensor x = varied({4, 4});
  const Ragged layout({0, 1, 4}, {0, 3, 4}, 2);
  CHECK(error_of([&] { attention(x, x, x, layout, 1); }).find("only if their offsets are equal") != std::string::npos);
  CHECK(error_of([&] {
          attention(x, x.clone(), varied({4, 4}), Ragged({0, 4}, 2), 1, {1, {}});
        }).find("must be in [0, 1)") != std::string::npos);
}

TEST_CASE("max: gives ties to the first and a NaN to everything") {
  Tensor x = Tensor({1, 3}, {1, 2, 2}).require_grad();
  backward(sum(max(x, -1)));
  CHECK(x.grad_tensor().to_vector() == std::vector<real>{0, 1, 0});
  CHECK(std::isnan(max(Tensor({1, 3}, {1, NAN, 2}), -1).item()));
}

TEST_CASE("embedding: an index outside of the table is refused with its position") {
  CHECK(error_of([] { embedding(varied({5, 2}), {0, 5}); }).find("index 5 at position 1") != std::string::npos);
}

TEST_CASE("cross_entropy: exact where the probability is 1 or 0, NaN without any row, refuses unknown targets") {
  const Tensor logits({1, 2}, {200, 0});
  CHECK(cross_entropy(logits, {0}).item() == 0);
  CHECK(cross_entropy(logits, {1}).item() == doctest::Approx(200));
  CHECK(std::isnan(cross_entropy(logits, {-100}).item()));
  CHECK(error_of([&] { cross_entropy(logits, {2}); }).find("target 2 of row 0") != std::string::npos);
}

// KL(p || q) + KL(q || p) = sum (p - q) (log p - log q)
TEST_CASE("symmetric_kl: the fused op equals its composition, values and gradients; a tensor is no way from itself") {
  const auto plain = [](const Tensor& a, const Tensor& b) {
    const Tensor log_p = log_softmax(a), log_q = log_softmax(b);
    return sum((exp(log_p) - exp(log_q)) * (log_p - log_q)) * (real(0.5) / real(a.dim(0)));
  };
  const auto logits = [](real seed) { return (varied({7, 53}, seed) * real(4)).detach().require_grad(); };
  const Tensor a = logits(1), b = logits(2), a_twin = a.clone().require_grad(), b_twin = b.clone().require_grad();
  const Tensor fused = symmetric_kl(a, b), twin = plain(a_twin, b_twin);
  CHECK(double(fused.item()) == doctest::Approx(double(twin.item())).epsilon(1e-6));
  backward(fused * real(3));
  backward(twin * real(3));
  CHECK(differs(a.grad_tensor(), a_twin.grad_tensor(), 1e-7, 1e-5) == "");
  CHECK(differs(b.grad_tensor(), b_twin.grad_tensor(), 1e-7, 1e-5) == "");
  const Tensor same = symmetric_kl(a, a);
  a.clear_grad();
  backward(same);
  CHECK(same.item() == 0);
  for (const real slope : a.grad_tensor().to_vector()) CHECK(slope == 0);
  CHECK(symmetric_kl(Tensor({1, 2}, {0, 300}), Tensor({1, 2}, {300, 0})).item() == doctest::Approx(300));
  CHECK(error_of([&] { symmetric_kl(a, varied({7, 52}, 1)); }).find("one shape [N, K]") != std::string::npos);
}

TEST_CASE("log_softmax, cross_entropy: far from zero they are what they are near it, values and gradients") {
  const real far = 1 << 14;  // its neighbours of type float are 1/512 apart
  const Tensor near = Tensor({1, 3}, {0, -0.5, -3}).require_grad();
  const Tensor shifted = Tensor({1, 3}, {far, far - real(0.5), far - 3}).require_grad();
  CHECK(differs(log_softmax(shifted), log_softmax(near), 1e-7, 1e-6) == "");
  for (const real smoothing : {real(0), real(0.1)}) {
    const Tensor a = cross_entropy(near, {1}, {.label_smoothing = smoothing});
    const Tensor b = cross_entropy(shifted, {1}, {.label_smoothing = smoothing});
    CHECK(b.item() == doctest::Approx(a.item()).epsilon(1e-6));
    backward(a);
    backward(b);
  }
  CHECK(differs(shifted.grad_tensor(), near.grad_tensor(), 1e-7, 1e-6) == "");
}

TEST_CASE("cross_entropy: the fused op equals log_softmax, gather and mean") {
  Tensor a = varied({6, 4}).require_grad(), b = a.clone().require_grad();
  const Indices targets{0, 3, 1, 1, 2, 0};
  Tensor picked = Tensor::zeros({6, 4});
  for (long i = 0; i < 6; ++i) picked.data()[i * 4 + targets[i]] = real(-1) / 6;
  const Tensor fused = cross_entropy(a, targets), plain = sum(log_softmax(b) * picked);
  CHECK(fused.item() == doctest::Approx(plain.item()));
  backward(fused);
  backward(plain);
  CHECK(differs(a.grad_tensor(), b.grad_tensor(), 1e-6, 1e-5) == "");
}

TEST_CASE("linears, feed_forward and dropout_add_norm equal their plain compositions, values and gradients") {
  const DropoutMask mask{real(0.25), {3, Stream::dropout, 9, 4}};
  const auto compare = [](std::vector<Tensor> inputs, auto fused, auto plain) {
    std::vector<Tensor> copies;
    for (Tensor& t : inputs) copies.push_back(t.require_grad().clone().require_grad());
    const Tensor a = fused(inputs), b = plain(copies), weight = varied(a.shape(), 9);
    CHECK(differs(a, b, 1e-6, 1e-5) == "");
    backward(sum(a * weight));
    backward(sum(b * weight));
    for (size_t i = 0; i < inputs.size(); ++i)
      CHECK_MESSAGE(differs(inputs[i].grad_tensor(), copies[i].grad_tensor(), 1e-5, 1e-4) == "", "input ", i);
  };
  compare(
      {varied({600, 40}), varied({50, 40}, 2), varied({50}, 3), varied({30, 50}, 4), varied({30}, 5)},
      [](auto& x) { return feed_forward(x[0], x[1], x[2], x[3], x[4]); },
      [](auto& x) { return linear(gelu(linear(x[0], x[1], x[2])), x[3], x[4]); });
  compare(
      {varied({600, 40}), varied({50, 40}, 2), varied({50}, 3), varied({30, 40}, 4), varied({7, 40}, 5),
       varied({7}, 6)},
      [](auto& x) {
        return linears(x[0], {{x[1], x[2]}, {x[3], {}}, {x[4], x[5]}});
      },
      [](auto& x) {
        return concat({linear(x[0], x[1], x[2]), linear(x[0], x[3]), linear(x[0], x[4], x[5])}, 1);
      });
  for (const DropoutMask& m : {DropoutMask{}, mask})
    compare(
        {varied({30, 50}), varied({30, 50}, 2), varied({50}, 3), varied({50}, 4)},
        [&](auto& x) { return dropout_add_norm(x[0], x[1], x[2], x[3], real(1e-5), m); },
        [&](auto& x) { return layer_norm(dropout(x[0], m) + x[1], x[2], x[3], real(1e-5)); });
}

TEST_CASE("embedding: rows that no index names keep a zero gradient over several steps, also beside a dense one") {
  Tensor w = varied({6, 3}).require_grad();
  const auto step = [&](const Indices& ids, bool dense) {
    w.clear_grad();
    const Tensor picked = sum(embedding(w, ids));
    backward(dense ? picked + sum(w) : picked);
    const std::vector<char> written = w.grad_rows() ? *w.grad_rows() : std::vector<char>(6, 1);
    CHECK((w.grad_rows() == nullptr) == dense);
    for (long r = 0; r < 6; ++r) {
      const real want = real(std::count(ids.begin(), ids.end(), int(r)) + (dense ? 1 : 0));
      CHECK(bool(written[r]) == (want != 0));
      for (long c = 0; c < 3; ++c) {
        if (written[r]) CHECK(w.grad_of_written_rows()[r * 3 + c] == want);
        CHECK(w.grad_tensor().data()[r * 3 + c] == want);
      }
    }
  };
  Buffer values = w.buffer();
  for (bool in_a_block : {false, true}) {
    if (in_a_block) w.bind(values);
    step({1, 4, 1}, false);
    step({0}, false);
    step({2, 2}, true);
    step({5}, false);
    step({3}, false);
  }
}

TEST_CASE("attention: the fused op equals scores, softmax, dropout and application, values and gradients") {
  const Indices offsets{0, 5, 6, 20}, keys{0, 3, 10, 30};
  const DropoutMask mask{real(0.25), {3, Stream::dropout, 9, 4}};
  for (const Ragged& layout : {Ragged(offsets, 3), Ragged(offsets, 3, true), Ragged(offsets, keys, 3)})
    for (const DropoutMask& m : {DropoutMask{}, mask}) {
      const long Nk = layout.keys.back();
      std::vector<Tensor> x{varied({20, 12}), varied({Nk, 12}, 2), varied({Nk, 6}, 3)}, y;
      for (Tensor& t : x) y.push_back(t.require_grad().clone().require_grad());
      const Tensor weight = varied({20, 6}, 4);
      const Tensor fused = attention(x[0], x[1], x[2], layout, real(0.5), m);
      const Tensor open = attention_apply(
          dropout(ragged_softmax(attention_scores(y[0], y[1], layout, real(0.5)), layout), m), y[2], layout);
      CHECK(differs(fused, open, 1e-6, 1e-5) == "");
      backward(sum(fused * weight));
      backward(sum(open * weight));
      for (int i = 0; i < 3; ++i) CHECK(differs(x[i].grad_tensor(), y[i].grad_tensor(), 1e-5, 1e-4) == "");
    }
}

TEST_CASE("self_attention: equals attention of its columns, values and gradients") {
  const Ragged layout({0, 5, 6, 20, 60}, 3);
  for (const DropoutMask& m : {DropoutMask{}, DropoutMask{real(0.25), {3, Stream::dropout, 9, 4}}}) {
    const Tensor qkv = varied({60, 36}).require_grad(), copy = qkv.clone().require_grad(), weight = varied({60, 12}, 4);
    const Tensor a = self_attention(qkv, layout, real(0.5), m);
    const Tensor b =
        attention(slice(copy, 1, 0, 12), slice(copy, 1, 12, 24), slice(copy, 1, 24, 36), layout, real(0.5), m);
    CHECK(differs(a, b, 1e-6, 1e-5) == "");
    backward(sum(a * weight));
    backward(sum(b * weight));
    CHECK(differs(qkv.grad_tensor(), copy.grad_tensor(), 1e-6, 1e-5) == "");
  }
  CHECK(error_of([&] {
          self_attention(varied({60, 35}), layout, 1);
        }).find("three times a multiple of 3") != std::string::npos);
}

TEST_CASE("gemm: our kernel and BLAS equal a plain sum of products for any shape, transposition and factor") {
  const auto check_shape = [](long m, long n, long k, bool at, bool bt, real alpha, real beta) {
    const long extra = 3;  // rows lie further apart than they are wide
    const Tensor a = varied({at ? k : m, (at ? m : k) + extra}), b = varied({bt ? n : k, (bt ? k : n) + extra}, 2);
    const Tensor before = varied({m, n + extra}, 3);
    const auto at_of = [](const Tensor& x, long i, long j, bool transposed) {
      return double(x.data()[transposed ? j * x.dim(1) + i : i * x.dim(1) + j]);
    };
    Tensor want = before.clone();
    for (long i = 0; i < m; ++i)
      for (long j = 0; j < n; ++j) {
        double sum = 0;
        for (long p = 0; p < k; ++p) sum += at_of(a, i, p, at) * at_of(b, p, j, bt);
        real& to = want.data()[i * (n + extra) + j];
        to = real(alpha * sum + beta * double(to));
      }
    for (auto product : {gemm_small, gemm_serial}) {
      const Tensor c = before.clone();
      product(m, n, k, alpha, {a.data(), a.dim(1), at}, {b.data(), b.dim(1), bt}, beta, c.data(), n + extra);
      CHECK_MESSAGE(differs(c, want, 1e-5 * std::sqrt(double(k)), 1e-4) == "", m, " x ", n, " x ", k, at, bt);
    }
  };
  for (const auto& [m, n, k] : {std::array<long, 3>{1, 1, 1},
                                {3, 5, 2},
                                {14, 32, 16},
                                {15, 33, 17},
                                {29, 63, 40},
                                {23, 23, 64},
                                {64, 16, 520},
                                {5, 100, 1030},
                                {130, 70, 90}})
    for (bool at : {false, true})
      for (bool bt : {false, true})
        for (real beta : {real(0), real(1), real(-0.5)}) check_shape(m, n, k, at, bt, real(0.75), beta);
}

TEST_CASE("attention: packed sequences equal padded and masked ones") {
  const Indices offsets{0, 3, 4, 9};
  const long T = 5, H = 2, D = 3, C = H * D;
  Tensor q = varied({9, C}), k = varied({9, C}, 2), v = varied({9, C}, 3);
  const Tensor packed = attention(q, k, v, Ragged(offsets, H), 1 / std::sqrt(real(D)));
  for (long b = 0; b < 3; ++b) {
    const long L = offsets[b + 1] - offsets[b];
    const auto padded = [&](const Tensor& x) {  // [T, C], rows past the end are rubbish that the mask must hide
      Tensor full = Tensor::full({T, C}, 7);
      std::copy_n(x.data() + offsets[b] * C, L * C, full.data());
      return full;
    };
    Tensor mask = Tensor::zeros({T});
    for (long t = L; t < T; ++t) mask.data()[t] = -kInf;
    for (long h = 0; h < H; ++h) {
      const auto head = [&](const Tensor& x) { return slice(padded(x), 1, h * D, (h + 1) * D); };
      const Tensor scores = matmul(head(q), head(k), Transpose::second) * (1 / std::sqrt(real(D)));
      const Tensor y = matmul(softmax(scores + mask), head(v));  // [T, D]
      for (long t = 0; t < L; ++t)
        for (long d = 0; d < D; ++d)
          CHECK(packed.data()[(offsets[b] + t) * C + h * D + d] == doctest::Approx(y.data()[t * D + d]).epsilon(1e-5));
    }
  }
}

TEST_CASE("attention: a causal row does not change when later rows do") {
  Tensor x = varied({6, 4}), y = x.clone();
  for (int c = 0; c < 4; ++c) y.data()[5 * 4 + c] += 3;
  const Ragged layout({0, 6}, 2, true);
  const Tensor a = attention(x, x, x, layout, 1), b = attention(y, y, y, layout, 1);
  CHECK(differs(slice(a, 0, 0, 5), slice(b, 0, 0, 5), 0, 0) == "");
  CHECK(differs(a, b, 1e-3, 0) != "");
}

TEST_CASE("attention: layouts and sizes that make no sense are refused") {
  CHECK(error_of([] { Ragged({0, 3, 3}, 2); }).find("sequence 1 has 0 queries") != std::string::npos);
  CHECK(error_of([] { Ragged({1, 3}, 2); }).find("from 0") != std::string::npos);
  CHECK(error_of([] { Ragged({0, 3}, {0, 2}, 2, true); }).find("only 2 keys") != std::string::npos);
  const Ragged layout({0, 3}, 2);
  CHECK(error_of([&] {
          attention(varied({3, 5}), varied({3, 5}), varied({3, 4}), layout, 1);
        }).find("multiple of 2 heads") != std::string::npos);
  CHECK(error_of([&] {
          attention(varied({4, 4}), varied({3, 4}), varied({3, 4}), layout, 1);
        }).find("q must be [3") != std::string::npos);
}

TEST_CASE("dropout: keeps the mean, zeroes the stated share, and draws the same mask backwards") {
  const DropoutMask mask{real(0.3), {11, Stream::dropout, 2, 0}};
  Tensor x = Tensor::full({200'000}, 1).require_grad();
  const Tensor y = dropout(x, mask);
  long zeros = 0;
  for (long i = 0; i < y.numel(); ++i) zeros += y.data()[i] == 0;
  CHECK(zeros / 200'000.0 == doctest::Approx(0.3).epsilon(0.01));
  CHECK(mean(y).item() == doctest::Approx(1).epsilon(0.01));
  const std::vector<real> forward_mask = y.to_vector();
  backward(sum(y));
  CHECK(x.grad_tensor().to_vector() == forward_mask);
  CHECK(error_of([&] { dropout(x, {1, {}}); }).find("must be in [0, 1)") != std::string::npos);
}

TEST_CASE("transpose: entry [.., i, .., j] comes from [.., j, .., i], whatever axes are before, between and behind") {
  const Tensor x = varied({2, 3, 2, 4}), y = transpose(x, 3, 1), z = transpose(x, 1, 2);
  REQUIRE(y.shape() == Shape{2, 4, 2, 3});
  REQUIRE(z.shape() == Shape{2, 2, 3, 4});
  for (long o = 0; o < 2; ++o)
    for (long i = 0; i < 3; ++i)
      for (long m = 0; m < 2; ++m)
        for (long j = 0; j < 4; ++j) {
          const real from = x.data()[((o * 3 + i) * 2 + m) * 4 + j];
          CHECK(y.data()[((o * 4 + j) * 2 + m) * 3 + i] == from);
          CHECK(z.data()[((o * 2 + m) * 3 + i) * 4 + j] == from);
        }
}
