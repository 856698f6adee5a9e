// Word embeddings as an encoder: pairs of pieces.
#include "nn/model/words.h"

#include "tests/support/nn.h"

using namespace test;

TEST_CASE("attention pooling with bigrams: the order of the words matters, sentences stay apart, every table learns") {
  nn::Config c = small_config("attention_pool");
  const auto logits = [&](const nn::Tokens& tokens) { return Drawn(c)(tokens); };
  const nn::Tokens forwards{{7, 8, 9}, {0, 1, 2}, {0, 0, 0}, {0, 3}},
      backwards{{9, 8, 7}, {0, 1, 2}, {0, 0, 0}, {0, 3}};
  CHECK(differs(logits(forwards), logits(backwards), 1e-6, 1e-5) == "");
  c.bigram_buckets = 50;
  CHECK(differs(logits(forwards), logits(backwards), 1e-6, 1e-5) != "");
  const nn::Tokens two{{7, 8, 9, 9, 8, 7}, {0, 1, 2, 0, 1, 2}, {0, 0, 0, 0, 0, 0}, {0, 3, 6}};
  CHECK(differs(slice(logits(two), 0, 1, 2), logits(backwards), 1e-6, 1e-5) == "");
  const Drawn model(c);
  backward(cross_entropy(model(two), {0, 1}));
  CHECK(model.params.find("embeddings.bigram_embeddings.weight").has_grad());
}

TEST_CASE("words: with subwords a token is its embedding and the mean of its n-grams', by hand") {
  nn::Config c = small_config("attention_pool");
  c.vocab_size = 3;
  c.subword_buckets = 5;
  const nn::PieceRows grams{{0, 1, 4, 6}, {4, 0, 2, 4, 1, 1}};  // pieces of one, three and two n-grams
  const Drawn model(c, {nn::only_head(c)}, 3, grams);
  const nn::Tokens tokens{{1, 0, 2, 1}, {0, 1, 0, 1}, {0, 0, 0, 0}, {0, 2, 4}};
  const Tensor x = model.encoder.embed(tokens);
  const Tensor word = model.encoder.words()->word.weight, table = model.encoder.words()->subword->weight;
  const std::vector<std::vector<long>> of_piece{{4}, {0, 2, 4}, {1, 1}};
  for (long t = 0; t < 4; ++t)
    for (long i = 0; i < 32; ++i) {
      const std::vector<long>& rows = of_piece[tokens.ids[t]];
      double mean = 0;
      for (const long row : rows) mean += double(table.data()[row * 32 + i]) / double(rows.size());
      CHECK(double(x.data()[t * 32 + i]) ==
            doctest::Approx(double(word.data()[tokens.ids[t] * 32 + i]) + mean).epsilon(1e-4));
    }
  CHECK(error_of([&] { grams.of({3}); }) == "subwords: piece 3 is not one of the vocabulary's 3");
  CHECK(error_of([&] { grams.of({-1}); }) == "subwords: piece -1 is not one of the vocabulary's 3");
}
