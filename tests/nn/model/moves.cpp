// Every parameter of every model moves under one step of its gradient, except where the mathematics has 0: the biases
// of keys, which no softmax sees. Read tests/support/moves.h first.
#include "tests/support/moves.h"

#include <fmt/ranges.h>

#include "nn/adapter/attach.h"
#include "nn/model/decoder.h"
#include "nn/model/replaced_tokens.h"
#include "tests/support/nn.h"

using namespace test;
using nn::AdapterKind;
using nn::Predicts;
using nn::Reads;

namespace {

const nn::Tokens kMoved = sentences({7, 3, 20, 5});

Tensor weighted(const Tensor& y, real seed = 2) { return sum(y * varied(y.shape(), seed)); }

// What moves must be all but the biases of keys.
void check_moves(const std::string& what, const std::vector<Tensor>& parameters, const Tensor& loss) {
  const std::set<std::string> still = still_after_a_step(parameters, loss);
  CHECK_MESSAGE(still == key_biases(parameters), what, ": ", fmt::format("{} stay", fmt::join(still, ", ")));
}

void check_adapter_moves(AdapterKind kind, bool dora) {
  nn::AdapterConfig config;
  config.kind = kind;
  config.rank = 4;
  config.dora = dora;
  if (kind == AdapterKind::lora) config.targets = {"query", "key", "value", "dense"};
  if (kind == AdapterKind::bitfit) config.bias = "all";
  config.modules_to_save = {"pooler", "classifier"};
  Drawn model(small_config());
  nn::attach(model, config, "");
  std::set<std::string> own;
  for (const Tensor& p : model.params.own()) {  // lora's B begins at 0, and A has no gradient there
    own.insert(p.name());
    const Tensor by = varied(p.shape(), 5);
    for (long i = 0; i < p.numel(); ++i) p.data()[i] += real(0.2) * by.data()[i];
  }
  const std::set<std::string> still =
      still_after_a_step(model.params.tensors(), cross_entropy(model(kMoved), {0, 1, 2, 0}));
  for (const Tensor& p : model.params.tensors()) {
    const bool moves = own.count(p.name()) && !shifts_keys(p.name());
    CHECK_MESSAGE(moves == !still.count(p.name()), nn::name_of(kind), dora ? " dora: " : ": ", p.name());
  }
}

}  // namespace

TEST_CASE("moves: a parameter that is cut off from the loss is found") {
  const Drawn model(small_config());
  const nn::Encoded x = model.encode(kMoved);
  const Tensor cut = linear(x.first.detach(), model.params.find("bert.pooler.dense.weight"));
  CHECK(still_after_a_step(model.params.tensors(), weighted(cut)).size() == model.params.tensors().size() - 1);
}

TEST_CASE("moves: every parameter of BERT, with every activation and normaliser, and of word embeddings with tables") {
  for (const std::string act : {"gelu", "gelu_new", "relu", "silu", "tanh"})
    for (const std::string normaliser : {"softmax", "sparsemax", "entmax15"}) {
      nn::Config c = small_config("bert", 0.1);
      c.hidden_act = act;
      c.attention_normaliser = normaliser;
      Drawn model(c);
      model.params.train(0);
      check_moves(act + " " + normaliser, model.params.tensors(), cross_entropy(model(kMoved), {0, 1, 2, 0}));
    }
  nn::Config words = small_config("attention_pool", 0.1);
  words.bigram_buckets = 50;
  words.subword_buckets = 30;
  nn::PieceRows grams;
  for (int piece = 0; piece < 60; ++piece) {
    for (int g = 0; g <= piece % 3; ++g) grams.rows.push_back((7 * piece + g) % 30);
    grams.offsets.push_back(int(grams.rows.size()));
  }
  Drawn model(words, {nn::only_head(words)}, 3, grams);
  check_moves("words", model.params.tensors(), cross_entropy(model(kMoved), {0, 1, 2, 0}));
}

TEST_CASE("moves: every parameter of every head on either encoder") {
  for (const std::string type : {"bert", "attention_pool"}) {
    std::vector<nn::HeadConfig> heads{{"own", Predicts::label, 3, Reads::attention, 2, 3},
                                      {"ranks", Predicts::ordinal, 4, Reads::attention, 2},
                                      {"words", Predicts::tags, 2},
                                      {"mean", Predicts::labels, 2, Reads::mean},
                                      {"number", Predicts::number, 1, Reads::mean, 1, 3},
                                      {"projected", Predicts::vector, 4, Reads::attention, 2},
                                      {"pieces", Predicts::pieces, 1, Reads::attention}};
    if (type == "bert") heads.push_back({"cls", Predicts::labels, 2, Reads::first, 1, 3});
    Drawn model(small_config(type), heads);
    const nn::Encoded whole = model.encoder(kMoved, {nn::Rows::all});
    std::vector<Tensor> said;
    for (size_t h = 0; h < heads.size(); ++h) {
      const bool pieces = heads[h].predicts == Predicts::pieces;
      const Tensor y = model.heads[h](pieces ? model.encoder(kMoved, nn::Rows::only({1, 8, 12})) : whole);
      said.push_back(reshape(y, {y.numel()}));
    }
    check_moves(type, model.params.tensors(), weighted(concat(said, 0)));
  }
}

TEST_CASE("moves: of a model with an adapter every own parameter, and nothing of the base") {
  for (const AdapterKind kind :
       {AdapterKind::lora, AdapterKind::houlsby, AdapterKind::pfeiffer, AdapterKind::prefix, AdapterKind::bitfit}) {
    check_adapter_moves(kind, false);
    if (kind == AdapterKind::lora) check_adapter_moves(kind, true);
  }
}

TEST_CASE("moves: every parameter of the encoder-decoder with either kind of norm, but the bias that is no parameter") {
  for (const bool before : {false, true}) {
    nn::TranslationConfig c =
        sized_translation({.vocabulary = 60, .width = 8, .layers = 2, .heads = 2, .inner = 12, .positions = 30});
    c.normalize_before = before;
    nn::EncoderDecoder model(c, 3);
    model.params.initialise();
    model.params.train(0);
    const Tensor logits = model(sentences({4, 1, 6}), sentences({5, 3, 2}));
    check_moves(before ? "pre-norm" : "post-norm", model.params.trainable(),
                cross_entropy(logits, sentences({5, 3, 2}).ids));
  }
}

TEST_CASE("moves: every parameter of ELECTRA's generator and of its judge") {
  const nn::Config c = small_config();
  nn::Params params{3};
  const nn::Bert bert(params.root() / "bert", c);
  const nn::Generator generator(params.root() / "generator", bert.embeddings, c, 0.5);
  const nn::ReplacedTokenHead judge(params.root() / "discriminator_predictions", c);
  params.initialise();
  const Tensor judged = judge(bert.run(bert.embeddings(kMoved), kMoved.offsets, {nn::Rows::all}).tokens);
  check_moves("electra", params.tensors(),
              cross_entropy(generator(kMoved, {1, 8, 12}), {5, 59, 0}) + weighted(judged) * real(0.1));
}
