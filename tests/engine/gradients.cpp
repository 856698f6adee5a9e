// Every op's gradient against central differences, in the double build. Read tests/gradcheck.h first.
#include "tests/support/gradcheck.h"

using namespace test;

TEST_SUITE_BEGIN("gradcheck");

using List = const std::vector<Tensor>&;

namespace {
Tensor positive(const Shape& shape, real seed = 1) {
  Tensor t = varied(shape, seed);
  for (long i = 0; i < t.numel(); ++i) t.data()[i] = std::abs(t.data()[i]) + real(0.3);
  return t;
}
}  // namespace

TEST_CASE("gradcheck: a backward with a missing factor is caught" * doctest::skip(!kDouble)) {
  const auto broken_tanh = [](List x) {
    Tensor y(x[0].shape());
    for (long i = 0; i < y.numel(); ++i) y.data()[i] = std::tanh(x[0].data()[i]);
    return record("broken_tanh", {x[0]}, y, [x = x[0], kept = y.buffer()](const Tensor& out) {
      for (long i = 0; i < out.numel(); ++i) x.grad()[i] += out.grad()[i] * (1 - kept[i]);  // the square is missing
    });
  };
  CHECK(gradient_error({varied({3, 4})}, broken_tanh) > 1e-3);
}

TEST_CASE("gradcheck: an input that gets no gradient is caught" * doctest::skip(!kDouble)) {
  const auto forgets = [](List x) {
    return record("forgets", {x[0], x[1]}, mul(x[0].detach(), x[1].detach()), [x = x[0], y = x[1]](const Tensor& out) {
      for (long i = 0; i < out.numel(); ++i) x.grad()[i] += out.grad()[i] * y.data()[i];
    });
  };
  CHECK(gradient_error({varied({5}), varied({5}, 2)}, forgets) > 1e-3);
}

TEST_CASE("elementwise ops of two operands have the right gradients, whatever is repeated") {
  const std::vector<std::pair<Shape, Shape>> shapes{
      {{4, 5}, {4, 5}}, {{4, 5}, {5}}, {{5}, {4, 5}},    {{4, 5}, {4, 1}},       {{4, 1}, {4, 5}},
      {{4, 5}, {}},     {{}, {4, 5}},  {{2, 3, 4}, {4}}, {{2, 3, 4}, {2, 3, 1}}, {{}, {}},
      {{3, 1}, {3, 1}}, {{1}, {1, 1}}, {{1, 1}, {}}};
  for (const auto& pair : shapes) {
    const Shape &a = pair.first, &b = pair.second;
    CAPTURE(a.text());
    CAPTURE(b.text());
    gradcheck("add", {varied(a), varied(b, 2)}, [](List x) { return x[0] + x[1]; });
    gradcheck("sub", {varied(a), varied(b, 2)}, [](List x) { return x[0] - x[1]; });
    gradcheck("mul", {varied(a), varied(b, 2)}, [](List x) { return x[0] * x[1]; });
    gradcheck("div", {varied(a), positive(b, 2)}, [](List x) { return x[0] / x[1]; });
  }
}

TEST_CASE("elementwise ops of one operand have the right gradients") {
  const auto check_unary = [](const char* name, const Tensor& x, auto f) {
    gradcheck(name, {x}, [&](List in) { return f(in[0]); });
  };
  const Tensor any = varied({3, 7}), above_zero = positive({3, 7});
  check_unary("scale", any, [](const Tensor& x) { return x * real(-2.5); });
  check_unary("neg", any, [](const Tensor& x) { return -x; });
  check_unary("exp", any, [](const Tensor& x) { return engine::exp(x); });
  check_unary("log", above_zero, [](const Tensor& x) { return engine::log(x); });
  check_unary("sqrt", above_zero, [](const Tensor& x) { return engine::sqrt(x); });
  check_unary("pow", above_zero, [](const Tensor& x) { return engine::pow(x, real(2.3)); });
  CHECK(gradient_error({above_zero}, [](List x) { return engine::pow(x[0], 0); }) < 1e-6);  // 0: no factor is seen
  check_unary("tanh", any, [](const Tensor& x) { return engine::tanh(x); });
  check_unary("sigmoid", any, sigmoid);
  check_unary("relu", any, relu);
  Tensor zero = Tensor::zeros({2}).require_grad();
  backward(sum(relu(zero)));
  CHECK(zero.grad()[0] == 0);  // as PyTorch's, where there is no slope
  check_unary("silu", any, silu);
  check_unary("gelu", any, gelu);
  check_unary("gelu_tanh", any, gelu_tanh);
  check_unary("dropout", any, [](const Tensor& x) { return dropout(x, {real(0.4), {7, Stream::dropout, 3, 1}}); });
}

TEST_CASE("matrix products have the right gradients in every orientation") {
  const Shape a{4, 3}, at{3, 4}, b{3, 5}, bt{5, 3};
  for (const Transpose t : {Transpose::none, Transpose::first, Transpose::second, Transpose::both}) {
    const bool ta = t == Transpose::first || t == Transpose::both, tb = t == Transpose::second || t == Transpose::both;
    gradcheck("matmul", {varied(ta ? at : a), varied(tb ? bt : b, 2)}, [&](List x) { return matmul(x[0], x[1], t); });
    const auto batch = [](const Shape& s) { return Shape{2, s[0], s[1]}; };
    gradcheck("bmm", {varied(batch(ta ? at : a)), varied(batch(tb ? bt : b), 2)},
              [&](List x) { return bmm(x[0], x[1], t); });
  }
  gradcheck("linear", {varied({4, 3}), varied({5, 3}, 2), varied({5}, 3)},
            [](List x) { return linear(x[0], x[1], x[2]); });
  gradcheck("linear without bias", {varied({2, 2, 3}), varied({5, 3}, 2)}, [](List x) { return linear(x[0], x[1]); });
}

TEST_CASE("reductions have the right gradients over every axis") {
  gradcheck("sum", {varied({3, 4})}, [](List x) { return sum(x[0]); });
  gradcheck("mean", {varied({3, 4})}, [](List x) { return mean(x[0]); });
  for (int axis : {0, 1, 2, -1}) {
    gradcheck("sum", {varied({2, 3, 4})}, [&](List x) { return sum(x[0], axis); });
    gradcheck("mean", {varied({2, 3, 4})}, [&](List x) { return mean(x[0], axis); });
    gradcheck("max", {varied({2, 3, 4})}, [&](List x) { return max(x[0], axis); });
  }
}

TEST_CASE("softmax, log_softmax and layer_norm have the right gradients") {
  gradcheck("softmax", {varied({4, 6})}, [](List x) { return softmax(x[0]); });
  gradcheck("log_softmax", {varied({4, 6})}, [](List x) { return log_softmax(x[0]); });
  gradcheck("layer_norm", {varied({4, 6}), varied({6}, 2), varied({6}, 3)},
            [](List x) { return layer_norm(x[0], x[1], x[2], real(1e-12)); });
  gradcheck("layer_norm of more columns than are summed at a time", {varied({2, 67}), varied({67}, 2), varied({67}, 3)},
            [](List x) { return layer_norm(x[0], x[1], x[2], real(1e-12)); });
}

TEST_CASE("fused ops have the right gradients") {
  gradcheck("feed_forward", {varied({4, 3}), varied({5, 3}, 2), varied({5}, 3), varied({2, 5}, 4), varied({2}, 5)},
            [](List x) { return feed_forward(x[0], x[1], x[2], x[3], x[4]); });
  gradcheck("linears", {varied({4, 3}), varied({5, 3}, 2), varied({5}, 3), varied({2, 3}, 4)}, [](List x) {
    return linears(x[0], {{x[1], x[2]}, {x[3], {}}});
  });
  gradcheck("linears that share a weight, which is x, too", {varied({4, 3}), varied({4}, 2)}, [](List x) {
    return linears(x[0], {{x[0], x[1]}, {x[0], x[1]}});
  });
  gradcheck("feed_forward of one tensor", {varied({3, 3}), varied({3}, 2)},
            [](List x) { return feed_forward(x[0], x[0], x[1], x[0], x[1]); });
  for (const DropoutMask& mask : {DropoutMask{}, DropoutMask{real(0.3), {5, Stream::dropout, 1, 2}}})
    gradcheck("dropout_add_norm", {varied({4, 6}), varied({4, 6}, 2), varied({6}, 3), varied({6}, 4)},
              [&](List x) { return dropout_add_norm(x[0], x[1], x[2], x[3], real(1e-12), mask); });
  gradcheck("dropout_add_norm of one tensor", {varied({4, 6}), varied({6}, 3), varied({6}, 4)},
            [](List x) { return dropout_add_norm(x[0], x[0], x[1], x[2], real(1e-12)); });
}

TEST_CASE("losses have the right gradients with every option") {
  const Indices targets{1, 0, -100, 2, 2};
  CrossEntropyOptions weighted{{real(0.5), 2, real(1.5)}, 0, -100}, smooth{{}, real(0.1), -100},
      both{{real(0.5), 2, real(1.5)}, real(0.2), -100};
  for (const CrossEntropyOptions& o : {CrossEntropyOptions{}, weighted, smooth, both})
    gradcheck("cross_entropy", {varied({5, 3})}, [&](List x) { return cross_entropy(x[0], targets, o); });
  gradcheck("symmetric_kl", {varied({4, 3}), varied({4, 3}, 2)}, [](List x) { return symmetric_kl(x[0], x[1]); });
  gradcheck("binary_cross_entropy_with_logits", {varied({3, 4}), varied({3, 4}, 2)},
            [](List x) { return binary_cross_entropy_with_logits(x[0], x[1]); });
  gradcheck("mse", {varied({3, 4}), varied({3, 4}, 2)}, [](List x) { return mse(x[0], x[1]); });
}

TEST_CASE("ops that move numbers have the right gradients") {
  gradcheck("reshape", {varied({3, 4})}, [](List x) { return reshape(x[0], {2, 6}); });
  gradcheck("transpose", {varied({3, 4})}, [](List x) { return transpose(x[0]); });
  gradcheck("transpose of inner axes", {varied({3, 2, 2, 4})}, [](List x) { return transpose(x[0], 1, 3); });
  gradcheck("transpose of outer axes", {varied({2, 3, 4, 2})}, [](List x) { return transpose(x[0], 0, 2); });
  for (int axis : {0, 1})
    gradcheck("concat", {varied({3, 3}), varied({3, 3}, 2)}, [&](List x) { return concat({x[0], x[1], x[0]}, axis); });
  gradcheck("slice of rows", {varied({4, 3})}, [](List x) { return slice(x[0], 0, 1, 3); });
  gradcheck("slice of columns", {varied({4, 3})}, [](List x) { return slice(x[0], 1, 1, 3); });
  gradcheck("embedding", {varied({5, 3})}, [](List x) { return embedding(x[0], {4, 0, 4, 2}); });
  gradcheck("embedding_sum", {varied({5, 3}), varied({2, 3}, 2)}, [](List x) {
    return embedding_sum({{x[0], {4, 0, 4, 2}}, {x[1], {0, 1, 1, 1}}, {x[0], {0, 1, 2, 2}}});
  });
  gradcheck("gather_rows", {varied({5, 3})}, [](List x) { return gather_rows(x[0], {1, 1, 3}); });
  gradcheck("scatter_rows", {varied({3, 2})}, [](List x) { return scatter_rows(x[0], {4, 0, 4}, 6); });
}

TEST_CASE("packed attention has the right gradients: self, causal, cross, with dropout") {
  const Indices offsets{0, 3, 4, 9}, keys{0, 2, 6, 11};
  const DropoutMask mask{real(0.3), {5, Stream::dropout, 1, 2}};
  const real scale = real(0.6);
  for (const Ragged& layout : {Ragged(offsets, 2), Ragged(offsets, 2, true), Ragged(offsets, keys, 2)})
    for (const DropoutMask& m : {DropoutMask{}, mask}) {
      const long Nk = layout.keys.back();
      gradcheck("attention", {varied({9, 6}), varied({Nk, 6}, 2), varied({Nk, 4}, 3)},
                [&](List x) { return attention(x[0], x[1], x[2], layout, scale, m); });
      gradcheck("open attention", {varied({9, 6}), varied({Nk, 6}, 2), varied({Nk, 4}, 3)}, [&](List x) {
        return attention_apply(dropout(ragged_softmax(attention_scores(x[0], x[1], layout, scale), layout), m), x[2],
                               layout);
      });
    }
  gradcheck("attention of one tensor", {varied({9, 6})},
            [&](List x) { return attention(x[0], x[0], x[0], Ragged(offsets, 2), scale); });
  gradcheck("cross_attention", {varied({9, 6}), varied({11, 12}, 2)},
            [&](List x) { return cross_attention(x[0], x[1], Ragged(offsets, keys, 2), scale, mask); });
  for (const DropoutMask& m : {DropoutMask{}, mask})
    gradcheck("self_attention", {varied({9, 12})},
              [&](List x) { return self_attention(x[0], Ragged(offsets, 2), scale, m); });
}

TEST_CASE("pooling has the right gradients") {
  const Indices offsets{0, 3, 4, 9};
  gradcheck("segment_softmax", {varied({9, 2})}, [&](List x) { return segment_softmax(x[0], offsets); });
  gradcheck("segment_attend", {varied({9, 2}), varied({9, 5}, 2)},
            [&](List x) { return segment_attend(x[0], x[1], offsets); });
}

TEST_SUITE_END();
