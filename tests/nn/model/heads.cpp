// Heads over one encoder: their formulas beside the layers they are made of, their gradients, and that they share.
#include "nn/model/heads.h"

#include <cmath>

#include "tests/support/gradcheck.h"
#include "tests/support/nn.h"

using namespace test;
using nn::Predicts;
using nn::Reads;

namespace {

const nn::Tokens kTokens{{2, 7, 9, 3, 2, 5, 3}, {0, 1, 2, 3, 0, 1, 2}, {0, 0, 0, 0, 0, 0, 0}, {0, 4, 7}};

// Every way to read and to predict, on either encoder; the head of the masked language model last.
std::vector<nn::HeadConfig> all_heads(const std::string& type) {
  std::vector<nn::HeadConfig> heads{{"own", Predicts::label, 3, Reads::attention, 2, 3},
                                    {"words", Predicts::tags, 2},
                                    {"mean", Predicts::labels, 2, Reads::mean},
                                    {"projected", Predicts::vector, 4, Reads::attention, 2},
                                    {"meaning", Predicts::vector, 0, Reads::mean, 1, 3}};
  if (type == "bert") {
    heads.push_back({"cls", Predicts::labels, 2, Reads::first, 1, 3});
    heads.push_back({"bare", Predicts::vector, 0, Reads::first});
  }
  heads.push_back({"pieces", Predicts::pieces, 1, Reads::attention});
  return heads;
}

// One parameter of a model of one unnamed head, under the name that it has in a named head `name`.
std::string name_in(const std::string& name, std::string parameter) {
  if (parameter.starts_with("bert.pooler.")) return "heads." + name + "." + parameter.substr(5);
  if (parameter.starts_with("classifier.") || parameter.starts_with("pool.")) return "heads." + name + "." + parameter;
  return parameter;
}

// The values of the model of several named heads, where `one` has the same parameter in its unnamed head.
void copy_values(const nn::Model& several, const std::string& name, const nn::Model& one) {
  for (const Tensor& p : one.params.tensors())
    std::copy_n(several.params.find(name_in(name, p.name())).data(), p.numel(), p.data());
}

}  // namespace

TEST_CASE("heads: one that reads [CLS] computes what BertForSequenceClassification does, whatever stands beside it") {
  const nn::Config c = tiny_config("bert");
  const Drawn several(c, {{"x", Predicts::label, 3}, {"y", Predicts::tags, 4}}), one(c);
  copy_values(several, "x", one);
  const Tensor expected = one(kTokens);
  CHECK(differs(several.heads[0](several.encoder(kTokens, several.rows_of({0}))), expected) == "");
  CHECK(differs(several.heads[0](several.encode(kTokens)), expected) == "");
  CHECK(several.heads[1](several.encode(kTokens)).shape() == Shape{7, 4});
  CHECK(error_of([&] { several.heads[1](several.encoder(kTokens, several.rows_of({0}))); }).find("task 'y'") == 0);
  CHECK(error_of([&] { several(kTokens); }) == "a model of one head is needed; this one has 2");
}

TEST_CASE("heads: own attention over words is the pooling classifier; words alone have no [CLS]") {
  const nn::Config c = tiny_config("attention_pool");
  const Drawn several(c, {{"x", Predicts::label, 3, Reads::attention, 2}}), one(c);
  copy_values(several, "x", one);
  nn::Trace trace;
  const Tensor logits = several.heads[0](several.encode(kTokens), &trace);
  CHECK(differs(logits, one(kTokens)) == "");
  CHECK(trace.context.shape() == Shape{2, 12});
  REQUIRE(trace.attention.size() == 1);
  CHECK(trace.attention[0].probs.numel() == 2 * 7);
  CHECK(error_of([&] {
          Drawn(c, {{"x", Predicts::label, 3}});
        }) == "task 'x': word embeddings alone have no [CLS] to read");
}

TEST_CASE("heads: the mean of the tokens, and a vector with and without its projection, written out") {
  for (const std::string type : {"bert", "attention_pool"}) {
    const Drawn model(tiny_config(type), {{"mean", Predicts::label, 3, Reads::mean},
                                          {"bare", Predicts::vector, 0, Reads::mean},
                                          {"projected", Predicts::vector, 4, Reads::attention, 2}});
    const nn::Encoded x = model.encode(kTokens);
    const auto p = [&](const std::string& name) { return model.params.find("heads." + name); };
    const Tensor mean = nn::mean_pool(x.tokens, kTokens.offsets);  // [B, C]
    CHECK(differs(model.heads[0](x), linear(mean, p("mean.classifier.weight"), p("mean.classifier.bias"))) == "");
    CHECK(differs(model.heads[1](x), mean, 0, 0) == "");
    nn::Trace trace;
    const Tensor vector = model.heads[2](x, &trace);
    const Tensor contexts = segment_attend(
        segment_softmax(matmul(x.tokens, p("projected.pool.queries"), Transpose::second) * (1 / std::sqrt(real(6))),
                        kTokens.offsets),
        x.tokens, kTokens.offsets);  // [B, 2 C]
    CHECK(differs(trace.context, contexts) == "");
    CHECK(differs(vector, linear(contexts, p("projected.projection.weight"), p("projected.projection.bias"))) == "");
  }
}

TEST_CASE("heads: contexts of named heads grow with (T / 20)^p as that of the only one does") {
  nn::Config c = tiny_config("attention_pool");
  const std::vector<nn::HeadConfig> heads{{"x", Predicts::label, 3, Reads::attention, 2},
                                          {"mean", Predicts::label, 3, Reads::mean}};
  const auto contexts = [&](double exponent) {
    c.length_exponent = exponent;
    const Drawn several(c, heads), one(c);
    copy_values(several, "x", one);
    CHECK(differs(several.heads[0](several.encode(kTokens)), one(kTokens)) == "");
    nn::Trace own, mean;
    several.heads[0](several.encode(kTokens), &own);
    several.heads[1](several.encode(kTokens), &mean);
    return std::pair(own.context, mean.context);
  };
  const auto plain = contexts(0), grown = contexts(0.5);
  for (int i = 0; i < 12; ++i) {  // texts of 4 and of 3 tokens
    CHECK(grown.first.data()[i] == doctest::Approx(std::sqrt(0.2) * plain.first.data()[i]).epsilon(1e-4));
    CHECK(grown.first.data()[12 + i] == doctest::Approx(std::sqrt(0.15) * plain.first.data()[12 + i]).epsilon(1e-4));
  }
  CHECK(differs(grown.second, plain.second, 0, 0) == "");  // the exponent is own attention's
}

TEST_CASE("heads: where tokens are left behind, own attention and the mean read those that are left") {
  nn::Config c = small_config();
  c.token_retention = {0.6, 0.4};
  const Drawn model(c, {{"own", Predicts::label, 3, Reads::attention, 2}, {"mean", Predicts::label, 3, Reads::mean}});
  const nn::Tokens tokens = sentences({9, 3, 14});
  const nn::Encoded x = model.encode(tokens);
  CHECK(x.offsets == Indices{0, 4, 6, 12});  // ceil(0.4 T)
  nn::Trace own, mean;
  model.heads[0](x, &own);
  model.heads[1](x, &mean);
  CHECK(differs(mean.context, nn::mean_pool(x.tokens, x.offsets), 0, 0) == "");
  REQUIRE(own.attention.size() == 1);
  const nn::AttentionMaps& maps = own.attention[0];
  CHECK(maps.probs.numel() == 2 * 12);
  for (long b = 0; b < 3; ++b) {
    double sum = 0;
    for (long t = 0; t < maps.layout.key_count(b); ++t) sum += maps.probs.data()[maps.layout.block(b, 1) + t];
    CHECK(sum == doctest::Approx(1));
  }
  nn::Trace whole;  // from the encoder on, as who looks at attention asks for it
  model.heads[0](model.encode(tokens, &whole), &whole);
  REQUIRE(whole.attention.size() == 3);
  CHECK(whole.attention[2].rows.size() == 12);  // which tokens of the batch the head's keys are
  CHECK(whole.attention[2].rows[4] == 9);       // the second sequence's [CLS]
  CHECK(error_of([&] { Drawn(c, {{"t", Predicts::tags, 2}}); }).find("task 't': a model with token_retention") == 0);
}

TEST_CASE("heads: gradients of every head on either encoder, and of what they share") {
  for (const std::string type : {"bert", "attention_pool"}) {
    const Drawn model(tiny_config(type), all_heads(type), 7);
    const auto all = [&](const std::vector<Tensor>&) {
      const nn::Encoded x = model.encode(kTokens);
      std::vector<Tensor> said;
      for (size_t h = 0; h + 1 < model.heads.size(); ++h) {
        const Tensor y = model.heads[h](x);
        said.push_back(reshape(y, {y.numel()}));
      }
      const Tensor pieces = model.heads.back()(model.encoder(kTokens, nn::Rows::only({1, 5})));  // [2, V]
      said.push_back(reshape(pieces, {pieces.numel()}));
      return concat(said, 0);
    };
    gradcheck("heads on " + type, model.params.tensors(), all);
    for (const Tensor& p : model.params.tensors()) CHECK_MESSAGE(p.has_grad(), p.name());
  }
}

namespace {

// A small masked language model and a batch of two sequences.
struct SmallMaskedLm {
  Drawn model{tiny_config(), {{"", Predicts::pieces}}, 7};
  nn::Tokens tokens{{2, 5, 4, 7, 3, 2, 4, 3}, {0, 1, 2, 3, 4, 0, 1, 2}, Indices(8, 0), {0, 5, 8}};
  Indices rows{2, 6}, targets{6, 8};  // id 5 also stands in the text: the table is read at both ends

  Tensor loss() const { return cross_entropy(model.head()(model.encoder(tokens, nn::Rows::only(rows))), targets); }
};

}  // namespace

TEST_CASE("masked language model: the loss is that of all rows' logits, written out, with the others left out") {
  const SmallMaskedLm m;
  const auto p = [&](const std::string& name) { return m.model.params.find("cls.predictions." + name); };
  const Tensor hidden = m.model.encoder(m.tokens, {nn::Rows::all}).tokens;
  const Tensor x = engine::gelu(linear(hidden, p("transform.dense.weight"), p("transform.dense.bias")));
  const Tensor normed = layer_norm(x, p("transform.LayerNorm.weight"), p("transform.LayerNorm.bias"), real(1e-12));
  const Tensor word = m.model.params.find("bert.embeddings.word_embeddings.weight");
  const Tensor logits = matmul(normed, word, Transpose::second) + p("bias");  // [N, V]
  const Indices all{-100, -100, 6, -100, -100, -100, 8, -100};
  CHECK(std::isfinite(m.loss().item()));
  CHECK(differs(m.loss(), cross_entropy(logits, all)) == "");
  CHECK(error_of([&] { m.model(m.tokens); }) == "the head: the encoder was not asked for given rows");
}

TEST_CASE("gradcheck: masked language model, the table that is read at both ends and everything between") {
  const SmallMaskedLm m;
  gradcheck("masked language model", m.model.params.tensors(), [&](const auto&) { return m.loss(); });
}
