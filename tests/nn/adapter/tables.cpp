// Low-rank additions to tables of embeddings: the formula, its gradients, the names in a file, what is refused.
#include "nn/adapter/attach.h"
#include "nn/adapter/files.h"
#include "nn/adapter/lora.h"
#include "tests/support/gradcheck.h"
#include "tests/support/nn.h"

using namespace test;

namespace {

nn::AdapterConfig of_table() {
  nn::AdapterConfig c;
  c.rank = 2;
  c.targets = {"word_embeddings"};
  return c;
}

}  // namespace

TEST_CASE("adapter: a table of embeddings gets s B a_id on the row of every id, under peft's names; merged likewise") {
  const Tensor A = varied({2, 5}, 1), B = varied({3, 2}, 2), W = varied({5, 3}, 3);
  const nn::LowRankTable low(A, B, 2);
  const Indices ids{4, 0, 4};
  const Tensor rows = low(ids), merged = low.merged(W);
  const auto want = [&](long id, long c) {
    double sum = 0;
    for (long r = 0; r < 2; ++r) sum += 2. * B.data()[c * 2 + r] * A.data()[r * 5 + id];
    return sum;
  };
  for (long c = 0; c < 3; ++c) {
    for (size_t n = 0; n < ids.size(); ++n)
      CHECK(rows.data()[long(n) * 3 + c] == doctest::Approx(want(ids[n], c)).epsilon(1e-5));
    for (long id = 0; id < 5; ++id)
      CHECK(merged.data()[id * 3 + c] == doctest::Approx(W.data()[id * 3 + c] + want(id, c)).epsilon(1e-5));
  }
  const TemporaryDirectory dir;
  Drawn model(small_config());
  nn::attach(model, of_table(), "");
  nn::save_adapter(model, dir.path);
  const nn::SafeTensors file(dir.path + "/adapter_model.safetensors");
  const std::string table = "base_model.model.bert.embeddings.word_embeddings.lora_embedding_";
  const nn::Config c = small_config();
  CHECK(file.entry(table + "A").shape == std::vector<long>{2, c.vocab_size});
  CHECK(file.entry(table + "B").shape == std::vector<long>{c.hidden_size, 2});
}

TEST_CASE(
    "adapter: a table of embeddings has no dora, and takes nothing where it is the language model's weight, too") {
  nn::AdapterConfig tables = of_table();
  tables.dora = true;
  Drawn model(small_config());
  CHECK(error_of([&] { nn::attach(model, tables, ""); }) ==
        "adapter: dora is for weights, 'bert.embeddings.word_embeddings' is a table of embeddings");
  nn::Config masked = small_config();
  masked.labels.clear();
  nn::HeadConfig pieces;
  pieces.predicts = nn::Predicts::pieces;
  nn::Model language(masked, {pieces}, 1);
  CHECK(error_of([&] { nn::attach(language, of_table(), ""); }) ==
        "adapter: 'bert.embeddings.word_embeddings' is the masked language model's weight, too; it takes no low-rank "
        "addition");
}

TEST_SUITE_BEGIN("gradcheck");
TEST_CASE("adapter: gradients of a table's addition, by central differences") {
  gradcheck("table", {varied({2, 5}, 1), varied({3, 2}, 2)}, [&](const auto& in) {
    return nn::LowRankTable(in[0], in[1], 2)({4, 0, 4});
  });
}
TEST_SUITE_END();
