// Properties of whole models: every parameter learns, batches do not matter, the bits do not depend on threads.
#include <omp.h>

#include "nn/model/heads.h"
#include "optim/adamw.h"
#include "optim/clip.h"
#include "tests/support/nn.h"
#include "tests/support/support.h"

using namespace test;

namespace {

nn::Config small_config(const std::string& type, double dropout) {
  nn::Config c;
  c.model_type = type;
  c.vocab_size = 60;
  c.hidden_size = 32;
  c.num_hidden_layers = 2;
  c.num_attention_heads = 4;
  c.intermediate_size = 64;
  c.max_position_embeddings = 20;
  c.hidden_dropout_prob = c.attention_probs_dropout_prob = dropout;
  c.initializer_range = 0.1;
  c.labels = {"negative", "positive", "neutral"};
  return c;
}

nn::Tokens one_of(const nn::Tokens& all, int b) {
  const auto part = [&](const Indices& x) {
    return Indices(x.begin() + all.offsets[b], x.begin() + all.offsets[b + 1]);
  };
  return {part(all.ids), part(all.positions), part(all.types), {0, all.offsets[b + 1] - all.offsets[b]}};
}

// The losses of `steps` updates and all parameters after them.
std::vector<real> train(const std::string& type, double dropout, int steps, uint64_t seed, double lr = 1e-3) {
  nn::Params params(seed);
  const nn::Classifier model(params.root(), small_config(type, dropout));
  params.initialise();
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
    nn::Params params(3);
    const nn::Classifier model(params.root(), small_config(type, 0.1));
    params.initialise();
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
    nn::Params params(3);
    const nn::Classifier model(params.root(), small_config(type, 0.1));
    params.initialise();
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

TEST_CASE("params: one block, names that load and freeze, no name twice") {
  nn::Params params(1);
  const nn::Scope root = params.root();
  nn::Linear a(root / "bert.encoder.layer.0.dense", 3, 5, real(0.1));
  CHECK(error_of([&] { nn::Linear(root / "bert.encoder.layer.0.dense", 3, 5, real(0.1)); }).find("declared twice") !=
        std::string::npos);
  CHECK(error_of([&] { a.weight.data(); }).find("not initialised or loaded") != std::string::npos);
  nn::LayerNorm norm(root / "bert.encoder.layer.0.LayerNorm", 5, real(1e-12));
  params.initialise();
  CHECK(a.bias.data() ==
        a.weight.data() + 16);  // 15 numbers, aligned to 64 bytes: 16 floats or, for doubles, two lines
  CHECK(params.count() == 15 + 5 + 5 + 5);
  CHECK(params.freeze("*.layer.0.dense.*") == 2);
  CHECK(params.trainable().size() == 2);
  backward(sum(norm(a(varied({2, 3})))));
  CHECK(!a.weight.has_grad());
  CHECK(norm.bias.has_grad());
  CHECK(error_of([&] { params.freeze("nothing.*"); }).find("no parameter matches") != std::string::npos);
}

TEST_CASE("params: a weight that two layers share gets the sum of both gradients, and moves once") {
  nn::Params params(1);
  const nn::Embedding words(params.root() / "words", 5, 3, real(0.5));
  const Tensor bias = params.root().parameter("output.bias", {5}, {nn::Init::constant, 0});
  const nn::Linear output(words.weight, bias);
  params.initialise();
  backward(cross_entropy(output(words({1, 2})), {2, 3}));
  CHECK(params.tensors().size() == 2);
  const Tensor w = words.weight.clone().require_grad(), v = words.weight.clone().require_grad();
  backward(cross_entropy(linear(embedding(w, {1, 2}), v, bias.clone()), {2, 3}));
  CHECK(differs(words.weight.grad_tensor(), w.grad_tensor() + v.grad_tensor(), 1e-6, 1e-5) == "");
}

TEST_CASE("params: a parameter's first values depend on the seed and its name, not on its neighbours") {
  const auto drawn = [](uint64_t seed, bool neighbour) {
    nn::Params params(seed);
    if (neighbour) nn::Linear(params.root() / "other", 4, 4, real(0.1));
    nn::Linear layer(params.root() / "layer", 4, 4, real(0.1));
    params.initialise();
    return layer.weight.to_vector();
  };
  CHECK(drawn(1, false) == drawn(1, true));
  CHECK(drawn(1, false) != drawn(2, false));
}

TEST_CASE("cross-attention: the result has the queries' rows and sees only the memory of its own sequence") {
  nn::Params params(1);
  const nn::MultiHeadAttention attend(params.root() / "cross", 8, 2, 0, real(0.3));
  params.initialise();
  const Ragged layout({0, 2, 5}, {0, 4, 7}, 2);
  const Tensor x = varied({5, 8}), memory = varied({7, 8}, 2);
  Tensor other = memory.clone();
  for (int i = 4 * 8; i < 7 * 8; ++i) other.data()[i] += 1;  // the second sequence's memory
  const Tensor a = attend(x, memory, layout), b = attend(x, other, layout);
  CHECK(a.shape() == Shape{5, 8});
  CHECK(differs(slice(a, 0, 0, 2), slice(b, 0, 0, 2), 0, 0) == "");
  CHECK(differs(slice(a, 0, 2, 5), slice(b, 0, 2, 5), 1e-3, 0) != "");
  nn::AttentionMaps maps;
  CHECK(differs(attend(x, memory, layout, &maps), a, 1e-6, 1e-5) == "");
  CHECK(maps.probs.numel() == 2 * (2 * 4 + 3 * 3));
}

TEST_CASE("attention pooling with bigrams: the order of the words matters, sentences stay apart, every table learns") {
  nn::Config c = small_config("attention_pool", 0);
  const auto logits = [&](const nn::Tokens& tokens) {
    nn::Params params(3);
    const nn::Classifier model(params.root(), c);
    params.initialise();
    return model(tokens);
  };
  const nn::Tokens forwards{{7, 8, 9}, {0, 1, 2}, {0, 0, 0}, {0, 3}},
      backwards{{9, 8, 7}, {0, 1, 2}, {0, 0, 0}, {0, 3}};
  CHECK(differs(logits(forwards), logits(backwards), 1e-6, 1e-5) == "");
  c.bigram_buckets = 50;
  CHECK(differs(logits(forwards), logits(backwards), 1e-6, 1e-5) != "");
  const nn::Tokens two{{7, 8, 9, 9, 8, 7}, {0, 1, 2, 0, 1, 2}, {0, 0, 0, 0, 0, 0}, {0, 3, 6}};
  CHECK(differs(slice(logits(two), 0, 1, 2), logits(backwards), 1e-6, 1e-5) == "");
  nn::Params params(3);
  const nn::Classifier model(params.root(), c);
  params.initialise();
  backward(cross_entropy(model(two), {0, 1}));
  CHECK(params.find("embeddings.bigram_embeddings.weight").has_grad());
}

TEST_CASE("attention pooling: weights sum to 1 per head and sequence, and the context is their mean of the rows") {
  nn::Params params(1);
  const nn::AttentionPool pool(params.root() / "pool", 6, 2, 0, 1);
  params.initialise();
  const Tensor x = varied({5, 6});
  nn::AttentionMaps maps;
  const Tensor y = pool(x, {0, 2, 5}, &maps);
  CHECK(differs(pool(x, {0, 2, 5}), y, 1e-6, 1e-5) == "");
  const real* a = maps.probs.data();  // of sequence 0: two numbers of head 0, then two of head 1
  CHECK(y.shape() == Shape{2, 12});
  for (int h = 0; h < 2; ++h) {
    CHECK(a[2 * h] + a[2 * h + 1] == doctest::Approx(1));
    for (int c = 0; c < 6; ++c)
      CHECK(y.data()[h * 6 + c] == doctest::Approx(a[2 * h] * x.data()[c] + a[2 * h + 1] * x.data()[6 + c]));
  }
}
