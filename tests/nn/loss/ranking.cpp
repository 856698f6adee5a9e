// Sentence vectors and the head of masked language modelling against closed forms and their plain composition.
#include "nn/loss/ranking.h"

#include <memory>

#include "nn/model/masked_lm.h"
#include "tests/support/gradcheck.h"
#include "tests/support/support.h"

using namespace test;

TEST_CASE("mean_pool: each sentence's mean over its own tokens; in double its gradient") {
  const Tensor x({3, 2}, {1, 2, 3, 6, -5, 7});
  CHECK(nn::mean_pool(x, {0, 2, 3}).to_vector() == std::vector<real>{2, 4, -5, 7});
  CHECK(error_of([&] { nn::mean_pool(x, {0, 2}); }).find("mean_pool: x must have 2 rows") == 0);
}

TEST_CASE("unit_rows: rows of length 1, a row of zeros stays one") {
  CHECK(differs(nn::unit_rows(Tensor({2, 2}, {3, -4, 0, 0})), Tensor({2, 2}, {real(0.6), real(-0.8), 0, 0})) == "");
}

TEST_CASE("in_batch_ranking: log B when all vectors are alike, and log(1 + e^-2s) for two opposite ones") {
  const Tensor same = Tensor::full({3, 4}, real(0.7));
  CHECK(nn::in_batch_ranking(same, same, 20).item() == doctest::Approx(std::log(3.)).epsilon(1e-5));
  const Tensor opposite({2, 2}, {1, 2, -2, -4});  // cosines 1 and -1, whatever the lengths
  CHECK(nn::in_batch_ranking(opposite, opposite, 1).item() == doctest::Approx(std::log1p(std::exp(-2.))).epsilon(1e-5));
  // cosines 1, 0 and 0.6, 0.8: rows and columns both count
  const Tensor students({2, 2}, {2, 0, 3, 4}), teachers({2, 2}, {1, 0, 0, 1});
  const auto log_sum = [](double a, double b) { return std::log(std::exp(a) + std::exp(b)); };
  const double rows = (log_sum(1, 0) - 1 + log_sum(0.6, 0.8) - 0.8) / 2;
  const double columns = (log_sum(1, 0.6) - 1 + log_sum(0, 0.8) - 0.8) / 2;
  CHECK(nn::in_batch_ranking(students, teachers, 1).item() == doctest::Approx((rows + columns) / 2).epsilon(1e-5));
  CHECK(error_of([&] { nn::in_batch_ranking(same, opposite, 20); }).find("one shape [B, C]") != std::string::npos);
}

TEST_CASE("gradcheck: sentence vectors and their ranking") {
  const Tensor teacher = varied({3, 4}, 5);
  gradcheck("mean_pool", {varied({5, 3})}, [](const auto& x) { return nn::mean_pool(x[0], {0, 2, 5}); });
  gradcheck("unit_rows", {varied({3, 4})}, [](const auto& x) { return nn::unit_rows(x[0]); });
  gradcheck("in_batch_ranking", {varied({3, 4})},
            [&](const auto& x) { return nn::in_batch_ranking(x[0], teacher, 3); });
}

namespace {

// A small masked language model and a batch of two sequences.
struct SmallMaskedLm {
  nn::Config config;
  nn::Params params{7};
  std::unique_ptr<nn::Bert> bert;
  std::unique_ptr<nn::MaskedLmHead> head;
  nn::Tokens tokens{{2, 5, 4, 7, 3, 2, 4, 3}, {0, 1, 2, 3, 4, 0, 1, 2}, Indices(8, 0), {0, 5, 8}};
  Indices rows{2, 6}, targets{6, 8};  // id 5 also stands in the text: the table is read at both ends

  SmallMaskedLm() {
    config.vocab_size = 9;
    config.hidden_size = 4;
    config.num_hidden_layers = 1;
    config.num_attention_heads = 2;
    config.intermediate_size = 6;
    config.max_position_embeddings = 5;
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0;
    config.initializer_range = 0.5;
    bert = std::make_unique<nn::Bert>(params.root() / "bert", config);
    head = std::make_unique<nn::MaskedLmHead>(params.root() / "cls.predictions", bert->embeddings.word, config);
    params.initialise();
    params.eval();
  }
  Tensor loss() const { return cross_entropy((*head)((*bert)(tokens), rows), targets); }
};

}  // namespace

TEST_CASE("masked language model: the loss is that of all rows' logits, written out, with the others left out") {
  const SmallMaskedLm m;
  const auto p = [&](const std::string& name) { return m.params.find("cls.predictions." + name); };
  const Tensor x = engine::gelu(linear((*m.bert)(m.tokens), p("transform.dense.weight"), p("transform.dense.bias")));
  const Tensor normed = layer_norm(x, p("transform.LayerNorm.weight"), p("transform.LayerNorm.bias"), real(1e-12));
  const Tensor word = m.params.find("bert.embeddings.word_embeddings.weight");
  const Tensor logits = matmul(normed, word, Transpose::second) + p("bias");  // [N, V]
  const Indices all{-100, -100, 6, -100, -100, -100, 8, -100};
  CHECK(std::isfinite(m.loss().item()));
  CHECK(differs(m.loss(), cross_entropy(logits, all)) == "");
}

TEST_CASE("gradcheck: masked language model, the table that is read at both ends and everything between") {
  const SmallMaskedLm m;
  gradcheck("masked language model", m.params.tensors(), [&](const auto&) { return m.loss(); });
}
