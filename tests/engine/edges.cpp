// Where numbers or sizes end: what PyTorch gives there, and errors instead of ended processes.
#include "engine/ops.h"
#include "engine/packed.h"
#include "engine/parallel.h"
#include "tests/support/gradcheck.h"

using namespace test;

TEST_CASE("parallel: an error in a loop comes out of it, whichever thread it was in") {
  const auto fails = [](long i) { check(i != 7, "number {}", i); };
  CHECK(error_of([&] { parallel_rows(64, 1 << 20, fails); }) == "number 7");
  CHECK(error_of([&] { parallel_tasks(64, fails); }) == "number 7");
  CHECK(error_of([&] { parallel_blocks(64 * kBlock, [&](long begin, long) { fails(begin / kBlock); }); }) ==
        "number 7");
  CHECK_THROWS_AS(parallel_tasks(4, [](long) { throw std::bad_alloc(); }), std::bad_alloc);
}

TEST_CASE("ops: a tensor that has no values yet is named, in parallel loops, too") {
  const Tensor none = Tensor::declared({64, 4});
  CHECK(error_of([&] { embedding(none, {0, 1}); }).starts_with("data: "));
}

TEST_CASE("mean: of equal numbers it is that number, and its gradient dy / n") {
  for (const long n : {41L, 47L, 55L, 61L, 82L, 83L, 1000L}) {
    const Tensor ones = Tensor::full({n}, 1).require_grad();
    CHECK(mean(ones).item() == 1);
    CHECK(mean(Tensor::full({3, n}, 7), 1).to_vector() == std::vector<real>(3, 7));
    backward(mean(ones) * 3);
    CHECK(ones.grad_tensor().to_vector() == std::vector<real>(size_t(n), real(3) / real(n)));
  }
}

TEST_CASE("div, log, sqrt: dy is divided, not multiplied by a reciprocal") {
  const Tensor a = varied({1000}, 1), dy = varied({1000}, 3);
  const Tensor b = Tensor(Shape{1000}).require_grad(), x = a.clone().require_grad();
  const Tensor other = varied({1000}, 2);
  for (long i = 0; i < 1000; ++i) b.data()[i] = real(0.5) + std::abs(other.data()[i]);
  backward(sum(x / b.detach() * dy));
  bool same = true;
  for (long i = 0; i < 1000; ++i) same = same && x.grad_data()[i] == dy.data()[i] / b.data()[i];
  CHECK(same);
  backward(sum(log(b) * dy));
  for (long i = 0; i < 1000; ++i) same = same && b.grad_data()[i] == dy.data()[i] / b.data()[i];
  CHECK(same);
  const Tensor tiny = Tensor::full({1}, std::numeric_limits<real>::min() / 16).require_grad();  // 1 / it is infinite
  backward(sum(log(tiny) * 0));
  CHECK(tiny.grad_data()[0] == 0);
}

TEST_CASE("relu: a gradient passes where x is NaN, not where it is 0") {
  const Tensor x = Tensor({3}, {std::numeric_limits<real>::quiet_NaN(), 0, 2}).require_grad();
  backward(sum(relu(x)));
  CHECK(x.grad_tensor().to_vector() == std::vector<real>{1, 0, 1});
}

TEST_CASE("elementwise: the gradient of a column beside long rows is their sum to the last digits") {
  const long C = 250'002;
  const Tensor column = Tensor::full({2, 1}, 1).require_grad();
  backward(sum(column * Tensor::full({2, C}, real(0.1))));
  CHECK(std::abs(column.grad_data()[0] / (double(real(0.1)) * double(C)) - 1) < 3e-5);  // 1.5e-4 in one go
}

TEST_CASE("attention: a layout of nothing is refused, and a window wider than every text is all of it") {
  const Tensor x = varied({4, 6});
  CHECK(error_of([&] { attention_scores(x, x, Ragged(), 1); }) == "attention_scores: the layout is of nothing");
  CHECK(error_of([&] { self_attention(x, Ragged(), 1); }) == "self_attention: the layout is of nothing");
  CHECK(Ragged().size() == 0);
  const Ragged wide = Ragged({0, 4}, 2).within(std::numeric_limits<long>::max(), 0);
  CHECK(wide.seen(0, 3).count() == 4);
}

TEST_CASE("argmax: a column that no number of this kind can name is refused" * doctest::skip(kDouble)) {
  CHECK(error_of([] { argmax(Tensor(Shape{1, (1L << 24) + 1})); }).starts_with("argmax: a column beyond 16777216 "));
}
