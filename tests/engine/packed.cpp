// Packed weights beside the plain product and beside sums of whole numbers, with every instruction set of the
// processor.
#include "engine/packed.h"

#include <omp.h>

#include <thread>

#include "tests/support/golden.h"

using namespace test;

namespace {

struct Sizes {
  long R, O, I;
};
// Less than a block and a panel, whole ones, more than a tile, inputs that are no multiple of four; and rows of 512 and
// 1024 numbers, which are spread.
const std::vector<Sizes> kSizes{{1, 1, 1},    {1, 40, 37},  {3, 16, 4},     {5, 17, 1},    {6, 32, 768},
                                {14, 48, 33}, {29, 33, 66}, {400, 70, 130}, {15, 20, 512}, {9, 64, 1024}};

Tensor rows_of(const Tensor& x, long first, long last) { return slice(x, 0, first, last); }

bool same(const Tensor& a, const Tensor& b) { return same_bits(a.to_vector(), b.to_vector()); }

// The rows of x, one by one.
Tensor one_by_one(const Tensor& x, const PackedLinear& layer) {
  std::vector<Tensor> rows;
  for (long r = 0; r < x.dim(0); ++r) rows.push_back(linear(rows_of(x, r, r + 1), layer));
  return concat(rows, 0);
}

// y as its definition has it: whole numbers, exact; one scale for each row and each output.
Tensor by_hand(const ByteRows& x, const ByteRows& w, const Tensor& bias) {
  Tensor y({x.rows, w.rows});
  for (long r = 0; r < x.rows; ++r)
    for (long o = 0; o < w.rows; ++o) {
      long sum = 0;
      for (long i = 0; i < x.columns; ++i) sum += long(x.values[r * x.columns + i]) * w.values[o * w.columns + i];
      y.data()[r * w.rows + o] = std::fma(real(sum), x.scales[r] * w.scales[o], bias.data()[o]);
    }
  return y;
}

}  // namespace

TEST_CASE("packed: the same product as linear, with every instruction set to the same bits") {
  const NoGrad no_grad;
  for (const auto& [R, O, I] : kSizes) {
    INFO(fmt::format("{} x {} x {}", R, O, I));
    const Tensor x = varied({R, I}, 1), w = varied({O, I}, 2), b = varied({O}, 3);
    const Tensor first = linear(x, PackedLinear(w, b, Instructions::portable));
    const double rounding = std::max(1e-5, 4e-8 * double(I));  // of sums in another order, as BLAS' kernels have theirs
    CHECK(differs(first, linear(x, w, b), rounding) == "");
    CHECK(differs(linear(x, PackedLinear(w)), linear(x, w), rounding) == "");
    for (const Instructions these : instructions_here()) CHECK(same(linear(x, PackedLinear(w, b, these)), first));
  }
}

TEST_CASE("packed: a row is the same alone, in any batch and at any number of threads, as float32 and as int8") {
  const NoGrad no_grad;
  const int before = omp_get_max_threads();
  for (const auto& [R, O, I] : kSizes)
    for (const bool bytes : {false, true}) {
      INFO(fmt::format("{} x {} x {}, int8: {}", R, O, I, bytes));
      const Tensor x = varied({R, I}, 1), w = varied({O, I}, 2), b = varied({O}, 3);
      const PackedLinear layer = bytes ? PackedLinear(byte_rows(w), b) : PackedLinear(w, b);
      const Tensor all = linear(x, layer);
      CHECK(same(one_by_one(x, layer), all));
      CHECK(same(linear(rows_of(x, R / 2, R), layer), rows_of(all, R / 2, R)));
      for (const int threads : {1, 2, 4}) {
        omp_set_num_threads(threads);
        CHECK(same(linear(x, layer), all));
      }
      omp_set_num_threads(before);
    }
}

TEST_CASE("packed int8: sums of whole numbers, the same with every instruction set") {
  const NoGrad no_grad;
  for (const auto& [R, O, I] : kSizes) {
    INFO(fmt::format("{} x {} x {}", R, O, I));
    const Tensor x = varied({R, I}, 4), b = varied({O}, 6);
    const ByteRows w = byte_rows(varied({O, I}, 5));
    const Tensor want = by_hand(byte_rows(x), w, b);
    for (const Instructions these : instructions_here()) CHECK(same(linear(x, PackedLinear(w, b, these)), want));
  }
}

TEST_CASE("packed int8: products of the largest numbers, 3072 of one sign, do not saturate") {
  const NoGrad no_grad;
  constexpr long kInputs = 3072;
  Tensor x({2, kInputs}), w({2, kInputs});
  for (long i = 0; i < kInputs; ++i) {
    x.data()[i] = 127, x.data()[kInputs + i] = i % 2 ? -127 : 127;
    w.data()[i] = -127, w.data()[kInputs + i] = i % 2 ? 127 : -127;
  }
  const real most = real(127) * 127 * kInputs;
  for (const Instructions these : instructions_here())
    CHECK(linear(x, PackedLinear(byte_rows(w), {}, these)).to_vector() == std::vector<real>{-most, 0, 0, -most});
}

TEST_CASE("packed int8: weights of -128, which others write, are multiplied exactly") {
  const NoGrad no_grad;
  constexpr long kInputs = 70;
  Tensor x = Tensor::zeros({2, kInputs});
  ByteRows w{1, kInputs, std::vector<int8_t>(kInputs, -128), {1}};
  for (long i = 0; i < kInputs; ++i) x.data()[i] = 127, x.data()[kInputs + i] = -127;
  const real most = real(127) * 128 * kInputs;
  for (const Instructions these : instructions_here())
    CHECK(linear(x, PackedLinear(w, {}, these)).to_vector() == std::vector<real>{-most, most});
}

TEST_CASE("packed int8: golden scales, bytes and products") {
  const NoGrad no_grad;
  const nn::SafeTensors file(golden_path("quant.safetensors"));
  int cases = 0;
  for (const auto& [key, entry] : file.entries()) {
    if (!key.ends_with("/weight_q")) continue;
    const std::string name = key.substr(0, key.find('/'));
    CAPTURE(name);
    const auto expect = [&](const std::string& what) {
      const ByteRows q = byte_rows(file.read(name + "/" + what));
      const Tensor scale = file.read(name + "/" + what + "_scale");
      CHECK(differs(q.scales.data(), scale.data(), q.rows, 0, 1e-6) == "");
      const std::string want = file.bytes(name + "/" + what + "_q");
      CHECK(std::string(reinterpret_cast<const char*>(q.values.data()), q.values.size()) == want);
      return q;
    };
    expect("x");
    const ByteRows w = expect("weight");
    for (const Instructions these : instructions_here()) {
      const Tensor y = linear(file.read(name + "/x"), PackedLinear(w, file.read(name + "/bias"), these));
      CHECK(differs(y, file.read(name + "/y")) == "");
    }
    ++cases;
  }
  CHECK(cases > 0);
}

TEST_CASE("packed int8: a row that is not finite makes NaN of its own results and of no others") {
  const NoGrad no_grad;
  for (const real bad : {real(NAN), real(INFINITY), real(-INFINITY)})
    for (const Instructions these : instructions_here()) {
      Tensor x = varied({3, 70}, 1);
      const PackedLinear layer(byte_rows(varied({20, 70}, 2)), {}, these);
      const Tensor before = linear(x, layer);
      x.data()[70 + 41] = bad;
      const Tensor y = linear(x, layer);
      for (long o = 0; o < 20; ++o) CHECK(std::isnan(y.data()[20 + o]));
      CHECK(same(rows_of(y, 0, 1), rows_of(before, 0, 1)));
      CHECK(same(rows_of(y, 2, 3), rows_of(before, 2, 3)));
    }
}

TEST_CASE("packed int8: a row of zeros is zeros, and its result the bias") {
  const NoGrad no_grad;
  const Tensor b = varied({18}, 3);
  for (const Instructions these : instructions_here()) {
    const Tensor y = linear(Tensor::zeros({2, 9}), PackedLinear(byte_rows(varied({18, 9}, 2)), b, these));
    CHECK(same(rows_of(y, 1, 2), reshape(b, {1, 18})));
  }
}

TEST_CASE("packed: layers side by side and a feed-forward network are those of its layers, one after the other") {
  const NoGrad no_grad;
  const Tensor x = varied({37, 32}, 1), b1 = varied({512}, 2), b2 = varied({32}, 3);
  const Tensor w1 = varied({512, 32}, 4), w2 = varied({32, 512}, 5), w3 = varied({21, 32}, 6);
  for (const bool bytes : {false, true}) {
    const auto pack = [&](const Tensor& w, const Tensor& b) {
      return bytes ? PackedLinear(byte_rows(w), b) : PackedLinear(w, b);
    };
    const PackedLinear grow = pack(w1, b1), shrink = pack(w2, b2), third = pack(w3, {});
    CHECK(same(packed_linears(x, {&grow, &third}), concat({linear(x, grow), linear(x, third)}, -1)));
    CHECK(differs(feed_forward(x, grow, shrink), linear(gelu(linear(x, grow)), shrink)) == "");
    if (!bytes) CHECK(differs(feed_forward(x, grow, shrink), feed_forward(x, w1, b1, w2, b2), 1e-4) == "");
    const Tensor many = varied({700, x.dim(-1)}, 8);  // of int8 more than are computed together
    for (const int row : {0, 335, 336, 671, 672, 699})
      CHECK(same(gather_rows(feed_forward(many, grow, shrink), {row}),
                 feed_forward(gather_rows(many, {row}), grow, shrink)));
  }
}

TEST_CASE("packed: two threads over one layer get what each gets alone") {
  const PackedLinear layer(byte_rows(varied({96, 64}, 2)), varied({96}, 3));
  const Tensor x[2] = {varied({300, 64}, 4), varied({70, 64}, 5)};
  Tensor alone[2], together[2];
  for (int i = 0; i < 2; ++i) alone[i] = linear(x[i], layer);
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) threads.emplace_back([&, i] { together[i] = linear(x[i], layer); });
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < 2; ++i) CHECK(same(alone[i], together[i]));
}

TEST_CASE("packed: of no inputs the result is the bias") {
  const Tensor bias = varied({3}, 2), x(Shape{2, 0}), W(Shape{3, 0});
  for (const PackedLinear& layer : {PackedLinear(W, bias), PackedLinear(byte_rows(W), bias)})
    CHECK(same(linear(x, layer), linear(x, W, bias)));
}

TEST_CASE("packed: a gradient that arrives, and shapes that do not fit, are errors that say so") {
  const PackedLinear layer(varied({20, 8}, 1));
  const Tensor x = varied({3, 8}, 2).require_grad();
  CHECK(error_of([&] { backward(sum(linear(x, layer))); }).starts_with("packed_linear: has no gradient"));
  CHECK(error_of([&] {
          linear(varied({3, 9}), layer);
        }) == "packed: the last axis of x must be the 8 inputs of the weight; got x [3, 9]");
  CHECK(error_of([&] {
          PackedLinear(varied({20, 8}), varied({8}));
        }) == "packed: bias must be [20], the outputs of the weight; got [8]");
  const PackedLinear bytes(byte_rows(varied({20, 8}, 1)));
  CHECK(error_of([] {
          PackedLinear(ByteRows{3, 4, {}, {}});
        }) == "packed: 0 values and 0 scales are no int8 of [3, 4]");
  CHECK(error_of([] {
          PackedLinear(byte_rows(Tensor::zeros({1, 140000})));
        }) == "packed: int8 sums of 140000 inputs would leave 32 bits; at most 132104 are added up");
  CHECK(error_of([&] { packed_linears(x, {&layer, &bytes}); }) == "packed: layers over one input must be of one kind");
  CHECK(error_of([&] { feed_forward(x, layer, layer); }).starts_with("packed feed_forward: x must end in 8"));
}
