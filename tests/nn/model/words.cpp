// Word embeddings as an encoder: pairs of pieces.
#include "nn/model/words.h"

#include "tests/support/nn.h"

using namespace test;

TEST_CASE("attention pooling with bigrams: the order of the words matters, sentences stay apart, every table learns") {
  nn::Config c = small_config("attention_pool");
  const auto logits = [&](const nn::Tokens& tokens) {
    return Drawn(c)(tokens);
  };
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
