// Properties of whole models: every parameter learns, batches do not matter, the bits do not depend on threads.
#include <omp.h>

#include "optim/adamw.h"
#include "optim/clip.h"
#include "tests/support/nn.h"

using namespace test;

namespace {

// The losses of `steps` updates and all parameters after them.
std::vector<real> train(const std::string& type, double dropout, int steps, uint64_t seed, double lr = 1e-3) {
  Drawn model(small_config(type, dropout), seed);
  nn::Params& params = model.params;
  optim::AdamW optimizer(params.tensors());
  const nn::Tokens tokens = sentences({7, 3, 20, 1, 12, 5, 9, 16});
  const Indices labels{0, 1, 2, 0, 2, 1, 1, 0};
  std::vector<real> result;
  for (int step = 0; step < steps; ++step) {
    params.train(step);
    params.clear_grads();
    const Tensor loss = cross_entropy(model(tokens), labels);
    backward(loss);
    const double norm = optim::grad_norm(params.tensors());
    optimizer.step(lr, optim::clip_factor(params.tensors(), norm, 1.0));
    result.push_back(loss.item());
  }
  for (const Tensor& p : params.tensors()) {
    const std::vector<real> values = p.to_vector();
    result.insert(result.end(), values.begin(), values.end());
  }
  return result;
}

}  // namespace

TEST_CASE("models: each parameter of each model gets a gradient that is not zero, and moves") {
  for (const std::string type : {"bert", "attention_pool"}) {
    Drawn model(small_config(type, 0.1));
    nn::Params& params = model.params;
    params.train(0);
    backward(cross_entropy(model(sentences({7, 3, 20})), {0, 1, 2}));
    std::vector<std::vector<real>> before;
    for (const Tensor& p : params.tensors()) before.push_back(p.to_vector());
    optim::AdamW(params.tensors()).step(1e-3);
    for (size_t i = 0; i < before.size(); ++i) {
      const Tensor& p = params.tensors()[i];
      CHECK_MESSAGE(differs(p.grad_tensor(), Tensor::zeros(p.shape()), 0, 0) != "", p.name());
      CHECK_MESSAGE(p.to_vector() != before[i], p.name());
    }
  }
}

TEST_CASE(
    "models: a sentence alone gives the logits that it gives in a batch, and the batch's order only permutes them") {
  for (const std::string type : {"bert", "attention_pool"}) {
    const Drawn model(small_config(type, 0.1));
    const NoGrad no_grad;
    const nn::Tokens all = sentences({7, 3, 20, 1});
    const Tensor together = model(all);
    nn::Tokens reversed{{}, {}, {}, {0}};
    for (int b = 3; b >= 0; --b) {
      const nn::Tokens one = one_of(all, b);
      CHECK(differs(model(one), slice(together, 0, b, b + 1), 1e-5, 1e-5) == "");
      reversed.ids.insert(reversed.ids.end(), one.ids.begin(), one.ids.end());
      reversed.positions.insert(reversed.positions.end(), one.positions.begin(), one.positions.end());
      reversed.types.insert(reversed.types.end(), one.types.begin(), one.types.end());
      reversed.offsets.push_back(int(reversed.ids.size()));
    }
    const Tensor backwards = model(reversed);
    for (int b = 0; b < 4; ++b)
      CHECK(differs(slice(backwards, 0, 3 - b, 4 - b), slice(together, 0, b, b + 1), 1e-5, 1e-5) == "");
  }
}

TEST_CASE("models: the same bits with 1, 2 and 4 threads, over twenty training steps with dropout") {
  const int before = omp_get_max_threads();
  for (const std::string type : {"bert", "attention_pool"}) {
    std::vector<std::vector<real>> runs;
    for (const int threads : {1, 2, 4}) {
      omp_set_num_threads(threads);
      runs.push_back(train(type, 0.1, 20, 5));
    }
    CHECK(same_bits(runs[0], runs[1]));
    CHECK(same_bits(runs[0], runs[2]));
  }
  omp_set_num_threads(before);
}

TEST_CASE("ops: every parallel loop gives the same bits with 1, 2 and 4 threads, forwards and backwards") {
  const int before = omp_get_max_threads();
  std::vector<std::vector<real>> runs;
  for (const int threads : {1, 2, 4}) {
    omp_set_num_threads(threads);
    std::vector<Tensor> in{varied({700, 192}),  varied({800, 192}, 2), varied({800}, 3),
                           varied({800}, 4),    varied({800}, 5),      varied({90, 192}, 6),
                           varied({700, 1}, 7), varied({700, 800}, 8), varied({3, 192}, 9)};
    for (Tensor& t : in) t.require_grad();
    Indices ids, offsets;
    for (int i = 0; i < 700; ++i) ids.push_back(i * 37 % 90);
    for (int b = 0; b <= 35; ++b) offsets.push_back(20 * b);
    const DropoutMask mask{real(0.2), {1, Stream::dropout, 2, 3}};
    const Tensor x = dropout(in[0] * in[6] + embedding(in[5], ids), mask);            // [700, 192]
    const Tensor attended = attention(x, x, x, Ragged(offsets, 6), real(0.2), mask);  // [700, 192]
    const Tensor pooled = segment_attend(segment_softmax(matmul(x, in[8], Transpose::second), offsets), x, offsets);
    const Tensor h = dropout_add_norm(gelu(linear(attended, in[1], in[2])), in[7], in[3], in[4], real(1e-12), mask);
    const Tensor p = softmax(linear(silu(attended), in[1], in[2])) + log_softmax(h) / in[3];
    backward(mean(p * h) + mean(pooled * pooled) + mse(transpose(h), transpose(in[7])));
    std::vector<real> bits = p.to_vector();
    for (const Tensor& t : in) {
      REQUIRE(t.has_grad());
      const std::vector<real> g = t.grad_tensor().to_vector();
      bits.insert(bits.end(), g.begin(), g.end());
    }
    runs.push_back(bits);
  }
  CHECK(same_bits(runs[0], runs[1]));
  CHECK(same_bits(runs[0], runs[2]));
  omp_set_num_threads(before);
}

TEST_CASE("models: a seeded run reproduces its recorded losses") {
  const std::vector<real> bert = train("bert", 0, 11, 5, 3e-3), pool = train("attention_pool", 0, 11, 5, 3e-3);
  const double want_bert[] = {1.09388, 0.5263, 0.181793}, want_pool[] = {1.08374, 1.00255, 0.911148};
  for (int i = 0; i < 3; ++i) {
    CHECK(bert[5 * i] == doctest::Approx(want_bert[i]).epsilon(1e-3));
    CHECK(pool[5 * i] == doctest::Approx(want_pool[i]).epsilon(1e-3));
  }
}

TEST_CASE("models: eight sentences are learned by heart, and another seed takes another course") {
  for (const std::string type : {"bert", "attention_pool"}) {
    const std::vector<real> losses = train(type, 0, 150, 5, 3e-3);
    CHECK_MESSAGE(losses[149] < 0.01, type);
    CHECK(train(type, 0, 3, 5)[2] == train(type, 0, 3, 5)[2]);
    CHECK(train(type, 0, 3, 6)[0] != losses[0]);
  }
}
