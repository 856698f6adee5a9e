// Parameters: one block in memory, names, first values, sharing.
#include "nn/layers.h"

#include "tests/support/support.h"

using namespace test;

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
