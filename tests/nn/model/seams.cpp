// The two seams of a model: every product with a weight can be computed in another way, and an encoder can be entered
// behind its embeddings; and that rows which nobody reads may stay away.
#include <map>
#include <set>

#include "tests/support/gradcheck.h"
#include "tests/support/nn.h"

using namespace test;
using nn::Predicts;
using nn::Reads;

namespace {

// Heads that together have every kind of product.
std::vector<nn::HeadConfig> heads_of(const std::string& type) {
  std::vector<nn::HeadConfig> heads{{"own", Predicts::label, 3, Reads::attention, 2, 3},
                                    {"words", Predicts::tags, 2},
                                    {"vector", Predicts::vector, 4, Reads::mean}};
  if (type == "bert") heads.push_back({"cls", Predicts::labels, 2, Reads::first, 1, 3});
  heads.push_back({"pieces", Predicts::pieces, 1, Reads::attention});
  return heads;
}

// What all heads say, one behind the other; the masked language model's of the rows 1 and 5.
Tensor said_by(const nn::Model& model, const nn::Tokens& tokens) {
  const nn::Encoded x = model.encode(tokens);
  std::vector<Tensor> said;
  for (size_t h = 0; h + 1 < model.heads.size(); ++h) said.push_back(model.heads[h](x));
  said.push_back(model.heads.back()(model.encoder(tokens, nn::Rows::only({1, 5}))));
  for (Tensor& y : said) y = reshape(y, {y.numel()});
  return concat(said, 0);
}

std::vector<nn::Config> encoders() {
  nn::Config window = small_config(), sparse = small_config(), relu = small_config();
  window.attention_window = 2;
  sparse.attention_normaliser = "entmax15";
  relu.hidden_act = "relu";
  return {small_config(), window, sparse, relu, small_config("attention_pool")};
}

}  // namespace

TEST_CASE("seam of products: each way to y replaced by a plain product, logits and gradients are the same") {
  for (const nn::Config& c : encoders()) {
    Drawn model(c, heads_of(c.model_type));
    const nn::Tokens tokens = sentences({7, 3, 12});
    const auto gradients = [&](Tensor& said) {
      model.params.clear_grads();
      said = said_by(model, tokens);
      backward(sum(said * varied(said.shape(), 2)));
      return gradients_of(model.params);
    };
    Tensor fused, plain;
    const std::vector<real> before = gradients(fused);
    model.for_each_linear([](nn::Linear& layer) {
      const Tensor weight = layer.weight, bias = layer.bias;
      layer.instead = [weight, bias](const Tensor& x) { return matmul(x, weight, Transpose::second) + bias; };
    });
    const std::vector<real> after = gradients(plain);
    CHECK(differs(plain, fused) == "");
    CHECK(differs(after.data(), before.data(), long(before.size()), 2e-4, 2e-4) == "");
  }
}

TEST_CASE("seam of products: every weight that multiplies is visited once, and its way to y is taken in every pass") {
  for (const nn::Config& c : encoders()) {
    Drawn model(c, heads_of(c.model_type));
    std::map<std::string, int> taken;
    model.for_each_linear([&](nn::Linear& layer) {
      const std::string name = layer.bias.name();  // the decoder's weight is the table of the words
      CHECK_MESSAGE(taken.count(name) == 0, name);
      taken[name] = 0;
      const Tensor weight = layer.weight, bias = layer.bias;
      layer.instead = [&taken, name, weight, bias](const Tensor& x) {
        ++taken[name];
        return linear(x, weight, bias);
      };
    });
    std::set<std::string> matrices;
    for (const Tensor& p : model.params.tensors()) {
      const bool table = p.name().find("embeddings") != std::string::npos || p.name().ends_with("queries");
      if (p.shape().rank() == 2 && !table) matrices.insert(p.name().substr(0, p.name().rfind('.')) + ".bias");
    }
    matrices.insert("heads.pieces.cls.predictions.bias");
    std::set<std::string> visited;
    for (const auto& [name, times] : taken) visited.insert(name);
    CHECK(visited == matrices);
    const nn::Encoded x = model.encode(sentences({7, 3, 12}));
    for (const nn::Head& head : model.heads)
      if (head.config.predicts != Predicts::pieces) head(x);
    for (const auto& [name, times] : taken)
      CHECK_MESSAGE(times == (name.find("cls.predictions") == std::string::npos ? 1 : 0), name, " ", times);
    for (auto& [name, times] : taken) times = 0;
    model.heads.back()(model.encoder(sentences({7, 3, 12}), nn::Rows::only({1, 5})));  // the last layer's few rows
    for (const auto& [name, times] : taken) {
      const bool has_part = name.starts_with("bert.") || name.find("cls.predictions") != std::string::npos;
      CHECK_MESSAGE(times == (has_part ? 1 : 0), name, " ", times);
    }
  }
}

TEST_CASE("seam of embeddings: a model entered behind them gives the bits that it gives for the tokens themselves") {
  for (const nn::Config& c : encoders()) {
    const Drawn model(c);
    const nn::Tokens tokens = sentences({7, 3, 12});
    const Tensor x = model.encoder.embed(tokens);
    CHECK(x.shape() == Shape{22, 32});
    for (const nn::Rows& rows : {nn::Rows{nn::Rows::first}, nn::Rows{nn::Rows::all}, nn::Rows::only({0, 8, 21})}) {
      const nn::Encoded a = model.encoder(tokens, rows), b = model.encoder.run(x, tokens.offsets, rows);
      CHECK(a.offsets == b.offsets);
      for (Tensor nn::Encoded::*part : {&nn::Encoded::tokens, &nn::Encoded::first, &nn::Encoded::some}) {
        REQUIRE(bool(a.*part) == bool(b.*part));
        if (a.*part) CHECK(same_bits((a.*part).to_vector(), (b.*part).to_vector()));
      }
    }
  }
}

TEST_SUITE_BEGIN("gradcheck");
TEST_CASE("seam of embeddings: the gradient of what is brought in place of embeddings, by central differences") {
  const nn::Tokens tokens = sentences({4, 3});
  for (nn::Config c : {tiny_config(), tiny_config("attention_pool")}) {
    c.vocab_size = 60;
    const Drawn model(c);
    const Tensor x = model.encoder.embed(tokens).clone();
    gradcheck("logits of x", {x},
              [&](const auto& in) { return model.head()(model.encoder.run(in[0], tokens.offsets, model.rows_of())); });
    gradcheck("rows of x", {x}, [&](const auto& in) {
      return model.encoder.run(in[0], tokens.offsets, nn::Rows::only({1, 6})).some;
    });
  }
}
TEST_SUITE_END();

TEST_CASE("rows: some of them, and the first ones, are those of all, with the gradients of all parameters") {
  const nn::Tokens tokens = sentences({7, 3, 12, 1});
  const Indices firsts{0, 7, 10, 22}, some{0, 2, 3, 9, 20, 22};  // no row of the second sequence's beginning
  for (const nn::Config& c : encoders()) {
    const Drawn model(c);
    const auto gradients = [&](const Tensor& rows) {
      model.params.clear_grads();
      backward(sum(rows * varied(rows.shape(), 2)));
      return gradients_of(model.params);
    };
    const auto agree = [&](const Tensor& rows, const Indices& which) {
      const Tensor want = gather_rows(model.encoder(tokens, {nn::Rows::all}).tokens, which);
      CHECK(differs(rows, want) == "");
      const std::vector<real> got = gradients(rows), expected = gradients(want);
      CHECK(differs(got.data(), expected.data(), long(got.size()), 2e-4, 2e-4) == "");
    };
    agree(model.encoder(tokens, nn::Rows::only(some)).some, some);
    nn::Trace trace;
    agree(model.encoder(tokens, nn::Rows::only(some), &trace).some, some);
    agree(model.encoder(tokens, nn::Rows::only({8, 20})).some, {8, 20});  // nothing of two sequences
    if (c.model_type == "bert") agree(model.encoder(tokens, {nn::Rows::first}).first, firsts);
  }
}

TEST_CASE("rows: those that do not ascend, stand twice or are no token of the batch are refused") {
  const Drawn model(small_config());
  const nn::Tokens tokens = sentences({7, 3});
  const auto refused = [&](const Indices& rows) {
    return error_of([&] { model.encoder(tokens, nn::Rows::only(rows)); });
  };
  CHECK(refused({8, 2}) == "encoder: the rows to be read must ascend");
  CHECK(refused({3, 2}) == "encoder: the rows to be read must ascend");
  CHECK(refused({2, 2}) == "encoder: the rows to be read must ascend");
  CHECK(refused({-1}) == "encoder: the rows to be read must ascend");
  CHECK(refused({2, 10}) == "encoder: row 10 is to be read; the batch has 10 tokens");
}

TEST_CASE("names: an unnamed label head over a BERT has BertForSequenceClassification's parameters, in its order") {
  nn::Config c = tiny_config();
  std::vector<std::string> expected;
  for (const char* table : {"word_embeddings", "position_embeddings", "token_type_embeddings"})
    expected.push_back(fmt::format("bert.embeddings.{}.weight", table));
  const auto add = [&](const std::string& module) {
    expected.push_back(module + ".weight");
    expected.push_back(module + ".bias");
  };
  add("bert.embeddings.LayerNorm");
  for (const char* module :
       {"attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
        "attention.output.LayerNorm", "intermediate.dense", "output.dense", "output.LayerNorm"})
    add(fmt::format("bert.encoder.layer.0.{}", module));
  add("bert.pooler.dense");
  add("classifier");
  const auto names = [](const nn::Model& model) {
    std::vector<std::string> listed;
    for (const Tensor& p : model.params.tensors()) listed.push_back(p.name());
    return listed;
  };
  CHECK(names(Drawn(c)) == expected);
  const Drawn pool(tiny_config("attention_pool"));
  CHECK(names(pool) == std::vector<std::string>{"embeddings.word_embeddings.weight", "pool.queries",
                                                "classifier.weight", "classifier.bias"});
  expected.resize(expected.size() - 4);
  expected.push_back("classifier.weight");  // BertForTokenClassification has no pooler
  expected.push_back("classifier.bias");
  CHECK(names(Drawn(c, {{"", Predicts::tags, 3}})) == expected);
}

TEST_CASE("packed weights: the same logits, and a pass that is recorded does not see them") {
  for (const nn::Config& c : encoders()) {
    Drawn model(c, heads_of(c.model_type));
    const nn::Tokens tokens = sentences({7, 3, 12});
    const auto gradients = [&] {
      model.params.clear_grads();
      backward(sum(said_by(model, tokens)));
      return gradients_of(model.params);
    };
    const std::vector<real> before = gradients();
    const Tensor plain = said_by(model, tokens);
    model.pack();
    model.for_each_linear([&](const nn::Linear& layer) {
      const bool table = layer.weight.is(model.encoder.word_embeddings()), few = layer.weight.dim(0) < 16;
      CHECK((layer.packed != nullptr) == (instructions_here().size() > 1 && !table && !few));
    });
    CHECK(same_bits(gradients(), before));
    const NoGrad no_grad;
    CHECK(differs(said_by(model, tokens), plain) == "");
  }
}

TEST_CASE("packed weights: a text says the same bits alone as in any batch") {
  if (instructions_here().size() == 1) return;  // nothing is packed, as in the double build
  Drawn model(small_config(), {{"own", Predicts::label, 3, Reads::first}});
  model.pack();
  const NoGrad no_grad;
  const nn::Tokens alone = sentences({7}), first = sentences({7, 3, 12});
  const Tensor one = model(alone), three = model(first);  // [1, 3], [3, 3]
  CHECK(same_bits(one.to_vector(), slice(three, 0, 0, 1).to_vector()));
}
