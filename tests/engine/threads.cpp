// Two threads at once, each with tensors of its own or with weights that both only read, against the same work alone.
#include <thread>

#include "tests/support/support.h"

using namespace test;

namespace {

// A small model whose products go through BLAS and through gemm_small(), with every kind of scratch that ops keep.
struct Work {
  explicit Work(int seed) : shift(real(seed)) {}
  real shift;
  Ragged layout = Ragged({0, 40, 170, 177, 300}, 4), local = layout.within(8, 1);
  Tensor x = varied({300, 64}, shift), qkv_weight = varied({192, 64}, shift + 1), table = varied({50, 64}, shift + 2);
  Tensor W1 = varied({256, 64}, shift + 3), b1 = varied({256}, shift + 4), W2 = varied({64, 256}, shift + 5);
  Tensor gamma = varied({64}, shift + 6), beta = varied({64}, shift + 7), square = varied({300, 300}, shift + 8);

  Tensor forward(const Tensor& start, uint32_t step) const {
    const DropoutMask mask{real(0.1), {uint64_t(shift), Stream::dropout, step, 0}};
    Indices ids(300);
    for (int i = 0; i < 300; ++i) ids[i] = (7 * i + int(step)) % 50;
    const Tensor h = layer_norm(start + embedding(table, ids), gamma, beta, real(1e-5));
    const Tensor wide = self_attention(linear(h, qkv_weight), layout, real(0.25), mask);
    const Tensor near = self_attention(linear(h, qkv_weight), local, real(0.25), mask);
    const Tensor open = attention_apply(ragged_entmax15(attention_scores(h, wide, layout, 1), layout), near, layout);
    const Tensor y = dropout_add_norm(feed_forward(open, W1, b1, W2, beta), h, gamma, beta, real(1e-5), mask);
    return matmul(square, y) * real(0.01);
  }

  std::vector<real> infer(int steps) const {
    const NoGrad no_grad;
    Tensor y = x;
    for (int i = 0; i < steps; ++i) y = forward(y, uint32_t(i));
    return y.to_vector();
  }

  std::vector<real> train(int steps) const {
    Tensor leaf = x.clone().require_grad(), weight = W1.clone().require_grad();
    Work own = *this;
    own.W1 = weight;
    for (int i = 0; i < steps; ++i) {
      Indices targets(300);
      for (int r = 0; r < 300; ++r) targets[r] = (r + i) % 64;
      backward(cross_entropy(own.forward(leaf, uint32_t(i)), targets));
    }
    std::vector<real> gradients = leaf.grad_tensor().to_vector();
    const std::vector<real> of_weight = weight.grad_tensor().to_vector();
    gradients.insert(gradients.end(), of_weight.begin(), of_weight.end());
    return gradients;
  }
};

// What each job returns when all of them run at the same time.
std::vector<std::vector<real>> together(const std::vector<std::function<std::vector<real>()>>& jobs) {
  std::vector<std::vector<real>> results(jobs.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < jobs.size(); ++i) threads.emplace_back([&, i] { results[i] = jobs[i](); });
  for (std::thread& thread : threads) thread.join();
  return results;
}

}  // namespace

TEST_CASE("threads: forward passes of two models at once give the same bits as alone") {
  const Work a(1), b(2);
  const std::vector<real> a_alone = a.infer(40), b_alone = b.infer(40);
  CHECK(!same_bits(a_alone, b_alone));
  const auto both = together({[&] { return a.infer(40); }, [&] { return b.infer(40); }});
  CHECK(same_bits(both[0], a_alone));
  CHECK(same_bits(both[1], b_alone));
}

TEST_CASE("threads: one model that two threads only read gives each the same bits as alone") {
  const Work a(1);
  const std::vector<real> alone = a.infer(30);
  for (const std::vector<real>& result : together({[&] { return a.infer(30); }, [&] { return a.infer(30); }}))
    CHECK(same_bits(result, alone));
}

TEST_CASE("threads: a training thread beside one without gradients changes neither") {
  const Work a(1), b(2);
  const std::vector<real> a_alone = a.train(15), b_alone = b.infer(30);
  const auto both = together({[&] { return a.train(15); }, [&] { return b.infer(30); }});
  CHECK(same_bits(both[0], a_alone));
  CHECK(same_bits(both[1], b_alone));
}

// PROFILE is read when the program starts, so a child runs the first case: every call of both threads is counted.
TEST_CASE("threads: PROFILE=1 loses no call of either") {
  const Result result = run_shell("PROFILE=1 " + program("run-tests") + " -tc='threads: forward passes*' 2>&1");
  CHECK_MESSAGE(result.status == 0, result.output);
  const size_t line = result.output.find("\nmatmul ");
  REQUIRE(line != std::string::npos);
  CHECK(std::atoi(result.output.c_str() + result.output.find_first_of("0123456789", line)) == 4 * 40);
}
