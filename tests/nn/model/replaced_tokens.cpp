// ELECTRA's generator, samples and labels, and rows of the last layer that nothing reads.
#include "nn/model/replaced_tokens.h"

#include <cmath>

#include "tests/support/gradcheck.h"
#include "tests/support/nn.h"
#include "tests/support/support.h"

using namespace test;

namespace {

nn::Config small() {
  nn::Config c = sized_config({.vocabulary = 60, .width = 8, .layers = 2, .heads = 2, .inner = 12, .positions = 16});
  c.hidden_dropout_prob = c.attention_probs_dropout_prob = 0;
  c.initializer_range = 0.4;
  return c;
}

// An encoder, its generator and the head.
struct Electra {
  nn::Config config = small();
  nn::Params params{3};
  nn::Bert bert{params.root() / "bert", config};
  nn::Generator generator{params.root() / "generator", bert.embeddings, config, 0.5};
  nn::ReplacedTokenHead head{params.root() / "discriminator_predictions", config};
  nn::Tokens tokens = sentences({6, 1, 9});
  Indices rows{1, 4, 6, 8, 15}, targets{5, 59, 0, 17, 33};
  Electra() { params.initialise(), params.eval(); }
  Tensor all(const nn::Tokens& t) const { return bert.run(bert.embeddings(t), t.offsets, {nn::Rows::all}).tokens; }
};

}  // namespace

TEST_CASE("bert: rows of the last layer that are read alone are those of all, and so is every gradient") {
  const Electra m;
  // The last batch has a sequence that nothing is read of.
  for (const Indices& rows : {Indices{0, 3, 6, 7, 15}, Indices{0, 6, 7}, Indices{2, 3, 14}}) {
    const Tensor weight = varied({long(rows.size()), 8}, 2);
    const auto gradients = [&](const Tensor& read) {
      backward(sum(read * weight));
      std::vector<Tensor> all;
      for (const Tensor& p : m.params.tensors()) all.push_back(p.grad_tensor());
      m.params.clear_grads();
      return all;
    };
    const Tensor all = gather_rows(m.all(m.tokens), rows);
    const Tensor some = m.bert.run(m.bert.embeddings(m.tokens), m.tokens.offsets, nn::Rows::only(rows)).some;
    CHECK(differs(some, all) == "");
    const std::vector<Tensor> of_all = gradients(all), of_some = gradients(some);
    for (size_t p = 0; p < of_all.size(); ++p)
      CHECK_MESSAGE(differs(of_some[p], of_all[p], 2e-5, 1e-3) == "", m.params.tensors()[p]);
  }
}

TEST_CASE(
    "generator: of a quarter of the width, one head for 64 columns, as many layers, and the encoder's own embeddings") {
  nn::Config c;
  c.hidden_size = 256, c.num_hidden_layers = 4, c.num_attention_heads = 4, c.intermediate_size = 1024;
  const nn::Config g = nn::generator_config(c, 0.25);
  CHECK(g.hidden_size == 64);
  CHECK(g.num_attention_heads == 1);
  CHECK(g.intermediate_size == 256);
  CHECK(g.num_hidden_layers == 4);
  CHECK(nn::generator_config(c, 1. / 3).hidden_size == 85);

  const Electra m;
  CHECK(m.generator(m.tokens, m.rows).shape() == Shape{5, 60});
  backward(cross_entropy(m.generator(m.tokens, m.rows), m.targets));
  for (const Tensor& p : m.params.tensors()) {
    const bool learns = p.name().starts_with("generator.") || p.name().starts_with("bert.embeddings.");
    CHECK_MESSAGE(p.has_grad() == learns, p);
  }
}

TEST_CASE("sample_rows: every piece is drawn as often as the softmax says, by the random word alone") {
  const std::vector<real> p{real(0.5), real(0.2), real(0.25), real(0.05)};
  const long M = 40000;
  Tensor logits({M, 4});
  for (long i = 0; i < M; ++i)
    for (long k = 0; k < 4; ++k) logits.data()[4 * i + k] = std::log(p[k]) + real(0.1) * real(i % 7);
  const Random random{1, Stream::sample, 2, 3};
  const Indices samples = nn::sample_rows(logits, random);
  for (int k = 0; k < 4; ++k) {
    const double share = double(std::count(samples.begin(), samples.end(), k)) / double(M);
    CHECK(std::abs(share - double(p[k])) < 4 * std::sqrt(double(p[k]) * (1 - double(p[k])) / double(M)));
  }
  CHECK(nn::sample_rows(logits, random) == samples);
  CHECK(nn::sample_rows(logits, {1, Stream::sample, 2, 4}) != samples);
  Tensor certain = Tensor::full({3, 4}, -100);
  for (long i = 0; i < 3; ++i) certain.data()[4 * i + i + 1] = 100;
  CHECK(nn::sample_rows(certain, random) == Indices{1, 2, 3});
}

TEST_CASE("replaced tokens: a sample that equals what stood there is real, and only hidden places are ever replaced") {
  const nn::Tokens masked = sentences({6});
  const nn::Replaced r = nn::replace_tokens(masked, {1, 3, 4}, {7, 8, 9}, {7, 50, 8});
  CHECK(r.count == 2);
  CHECK(r.labels.to_vector() == std::vector<real>{0, 0, 0, 1, 1, 0});
  Indices expected = masked.ids;
  expected[1] = 7, expected[3] = 50, expected[4] = 8;
  CHECK(r.tokens.ids == expected);
}

TEST_CASE("replaced tokens: no gradient of the detection reaches the generator through the samples") {
  const Electra m;
  const Tensor logits = m.generator(m.tokens, m.rows);
  const nn::Replaced r = nn::replace_tokens(m.tokens, m.rows, m.targets, nn::sample_rows(logits, {1, Stream::sample}));
  backward(binary_cross_entropy_with_logits(m.head(m.all(r.tokens)), r.labels));
  for (const Tensor& p : m.params.tensors()) CHECK_MESSAGE(p.has_grad() == !p.name().starts_with("generator."), p);
}

TEST_CASE("gradcheck: the generator's loss and the detection's, through the embeddings that both share") {
  const Electra m;
  Tensor labels = Tensor::zeros({16});
  labels.data()[4] = labels.data()[8] = 1;
  gradcheck("ELECTRA", m.params.tensors(), [&](const auto&) {
    return cross_entropy(m.generator(m.tokens, m.rows), m.targets) +
           binary_cross_entropy_with_logits(m.head(m.all(m.tokens)), labels) * 50;
  });
}
