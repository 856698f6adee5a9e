// Character n-grams of pieces: which they are, what pool makes of them, and that a model directory brings them back.
#include "tasks/text/subwords.h"

#include <algorithm>

#include "tasks/model/directory.h"
#include "tests/support/tasks.h"

using namespace test;

namespace {

const std::vector<std::string> kProfit{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "profit", "profits", "##s", "rise"};

nn::Config config(long buckets) {
  nn::Config c = tiny_config("attention_pool");
  c.vocab_size = long(kProfit.size());
  c.hidden_size = 4;
  c.subword_buckets = buckets;
  return c;
}

const nn::Tokens kTokens{{2, 5, 6, 3, 2, 7, 3}, {0, 1, 2, 3, 0, 1, 2}, {0, 0, 0, 0, 0, 0, 0}, {0, 4, 7}};

}  // namespace

TEST_CASE("character_ngrams: 3 to 5 code points between the marks of a word; a short piece is one itself") {
  using List = std::vector<std::string>;
  CHECK(text::character_ngrams("cat") == List{"<ca", "cat", "at>", "<cat", "cat>", "<cat>"});
  CHECK(text::character_ngrams("##cat") == List{"cat", "at>", "cat>"});
  CHECK(text::character_ngrams("für") == List{"<fü", "für", "ür>", "<für", "für>", "<für>"});
  CHECK(text::character_ngrams("a") == List{"<a>"});
  CHECK(text::character_ngrams("##s") == List{"s>"});
  CHECK(text::character_ngrams("aaaa") == List{"<aa", "aaa", "aaa", "aa>", "<aaa", "aaaa", "aaa>", "<aaaa", "aaaa>"});
}

TEST_CASE("subword_rows: an n-gram has one row, whatever piece it stands in; no buckets, no rows") {
  const nn::PieceRows both = text::subword_rows({"profit", "##fit"}, 1'000'000);
  CHECK(both.pieces() == 2);
  CHECK(both.offsets == Indices{0, 15, 18});  // 6 + 5 + 4 of <profit>, fit it> fit> of fit>
  const auto first = [&](int row) { return std::count(both.rows.begin(), both.rows.begin() + 15, row); };
  for (int g = 15; g < 18; ++g) CHECK(first(both.rows[g]) == 1);
  const nn::PieceRows turned = both.of({1, 0, 1});
  CHECK(turned.offsets == Indices{0, 3, 18, 21});
  CHECK(turned.rows[0] == both.rows[15]);
  CHECK(turned.rows[3] == both.rows[0]);
  CHECK(error_of([&] { both.of({2}); }) == "subwords: piece 2 is not one of the vocabulary's 2");
  CHECK(text::subword_rows({"cat"}, 0).pieces() == 0);
  for (const int row : text::subword_rows(kProfit, 7).rows) CHECK((row >= 0 && row < 7));
}

TEST_CASE("pool with subwords: x_t is the word's embedding and the mean of its n-grams'; both tables learn") {
  const nn::PieceRows rows = text::subword_rows(kProfit, 50);
  const Drawn model(config(50), {nn::only_head(config(50))}, 3, rows);
  const nn::Params& params = model.params;
  nn::Trace trace;
  const Tensor logits = model(kTokens, &trace);
  const Tensor word = params.find("embeddings.word_embeddings.weight"),
               gram = params.find("embeddings.subword_embeddings.weight");
  for (size_t t = 0; t < kTokens.ids.size(); ++t)
    for (long c = 0; c < 4; ++c) {
      const int p = kTokens.ids[t], begin = rows.offsets[p], end = rows.offsets[p + 1];
      double sum = 0;
      for (int g = begin; g < end; ++g) sum += gram.data()[rows.rows[g] * 4 + c];
      CHECK(trace.hidden[0].data()[long(t) * 4 + c] ==
            doctest::Approx(word.data()[p * 4 + c] + sum / (end - begin)).epsilon(1e-5));
    }
  backward(cross_entropy(logits, {0, 1}));
  CHECK(word.has_grad());
  CHECK(gram.has_grad());
  CHECK(error_of([&] { Drawn(config(50), 3); }) == "subword_buckets 50: the n-grams of the vocabulary are needed, too");
}

TEST_CASE("pool with subwords: saved and loaded it says the same; without them config.json is as it was") {
  const TemporaryDirectory dir;
  const auto model = text_model(config(50), {task_of("", nn::Predicts::label)}, 5, text::WordPiece(kProfit));
  model->save(dir.path);
  const auto loaded = model::load_model(model::ModelDirectory(dir.path));
  CHECK(loaded->config().subword_buckets == 50);
  CHECK(differs(loaded->net(kTokens), model->net(kTokens), 0, 0) == "");
  CHECK(nn::config_json(config(0)).find("subword") == std::string::npos);
}
