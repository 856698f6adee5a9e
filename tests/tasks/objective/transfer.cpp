// What a student takes from a teacher: which layers belong together, what cannot be matched, and that a student which
// is its teacher has nothing to learn.
#include "tasks/objective/transfer.h"

#include "nn/adapter/attach.h"
#include "tests/support/tasks.h"

using namespace test;
using objective::layer_map;
using objective::Transfer;
using objective::TransferOptions;

namespace {

const std::vector<text::Example> kTaught{{.text = "cab bad deed", .label = 1}, {.text = "a bee fed", .label = 0}};

std::unique_ptr<model::TextModel> bert(long layers, uint64_t seed = 3, long heads = 4, long hidden = 32) {
  nn::Config c = small_config();
  c.num_hidden_layers = layers;
  c.num_attention_heads = heads;
  c.hidden_size = hidden;
  c.initializer_range = 0.3;
  auto model = text_model(c, {task_of("", nn::Predicts::label)}, seed);
  for (const Tensor& p : model->net.params.tensors())  // as norms begin, every token would be as active as every other
    if (p.name().ends_with("LayerNorm.weight")) std::copy_n(varied(p.shape(), real(seed)).data(), p.numel(), p.data());
  return model;
}

TransferOptions all_terms() {
  TransferOptions o;
  for (double* weight : {&o.soft_targets, &o.score_mse, &o.attention_kl, &o.minilm, &o.relations, &o.activation_map})
    *weight = 1;
  return o;
}

run::Terms terms_of(const TransferOptions& options, const model::TextModel& teacher, const model::TextModel& student) {
  const text::EncodedSet set = text::encode(kTaught, student.tokenizer, 24);
  Transfer transfer(options, teacher, student, 1);
  transfer.read_texts(set);
  const text::Batch batch = text::in_order(set, 2)[0];
  nn::Trace trace;
  const Tensor logits = student.net(batch.tokens, &trace);
  run::Terms terms;
  transfer.add_to(terms, logits, trace, batch);
  return terms;
}

}  // namespace

TEST_CASE("layer_map: every k-th layer with the last, the top ones, the last alone, or a list") {
  using Map = std::vector<int>;
  CHECK(layer_map("uniform", 2, 6) == Map{2, 5});
  CHECK(layer_map("top", 2, 6) == Map{4, 5});
  CHECK(layer_map("last", 3, 6) == Map{-1, -1, 5});
  CHECK(layer_map("1,3", 2, 6) == Map{1, 3});
  CHECK(error_of([] { layer_map("uniform", 7, 6); }).find("the student has 7 layers, the teacher only 6") !=
        std::string::npos);
  CHECK(error_of([] { layer_map("0,6", 2, 6); }).find("the teacher's layers are 0 to 5; got 6") != std::string::npos);
  CHECK(error_of([] { layer_map("1", 2, 6); }).find("1 layers for a student of 2") != std::string::npos);
  CHECK(error_of([] { layer_map("1,two", 2, 6); }).find("'two' is none") != std::string::npos);
}

TEST_CASE("transfer: a student that begins as the teacher's layers and has them all has nothing left to learn") {
  const auto teacher = bert(2, 3), student = bert(2, 4);
  TransferOptions o = all_terms();
  const run::Terms before = terms_of(o, *teacher, *student);
  for (const auto& [name, value] : before.values().items()) CHECK_MESSAGE(value.get<double>() > 1e-4, name);
  o.from_layers = "uniform";
  objective::start_from_teacher(o, *teacher, *student);
  const run::Terms terms = terms_of(o, *teacher, *student);
  CHECK(terms.values().size() == 6);
  for (const auto& [name, value] : terms.values().items()) CHECK_MESSAGE(std::abs(value.get<double>()) < 1e-5, name);
}

TEST_CASE(
    "transfer: heads and widths may differ where the term allows it; projections are learned beside the student") {
  const auto teacher = bert(3, 3, 4), student = bert(2, 4, 2, 16);
  TransferOptions o;
  for (double* weight : {&o.hidden_mse, &o.hidden_cosine, &o.patient, &o.attention_cross_entropy}) *weight = 0.5;
  o.relations = 1;
  o.relation_heads = 8;
  o.layer_map = "last";
  const run::Terms terms = terms_of(o, *teacher, *student);
  CHECK(terms.values().size() == 5);
  backward(terms.sum());
  CHECK(student->net.params.find("bert.encoder.layer.1.output.dense.weight").has_grad());
  for (const Tensor& p : teacher->net.params.tensors()) CHECK_MESSAGE(!p.has_grad(), p.name());
  CHECK(Transfer(o, *teacher, *student, 1).projections().size() == 2);
}

TEST_CASE("transfer: what cannot be matched is refused in one sentence") {
  const auto teacher = bert(2), adapted = bert(2), begins = bert(2);
  nn::AdapterConfig bottleneck;
  bottleneck.kind = nn::AdapterKind::pfeiffer;
  nn::attach(adapted->net, bottleneck, "");
  TransferOptions of_layers;
  of_layers.from_layers = "uniform";
  CHECK(error_of([&] { objective::start_from_teacher(of_layers, *adapted, *begins); }).find("without an adapter") !=
        std::string::npos);
  const auto refused = [&](TransferOptions o, const model::TextModel& student) {
    return error_of([&] { Transfer(o, *teacher, student, 1); });
  };
  TransferOptions inside;
  inside.attention_kl = 1;
  nn::Config c = small_config("attention_pool");
  CHECK(refused(inside, *text_model(c, {task_of("", nn::Predicts::label)})).find("handed over between BERTs") !=
        std::string::npos);
  c = small_config();
  c.attention_window = 2;
  CHECK(
      refused(inside, *text_model(c, {task_of("", nn::Predicts::label)})).find("the student has attention_window 2") !=
      std::string::npos);
  c = small_config();
  c.token_retention = {0.5, 0.5};
  CHECK(refused(inside, *text_model(c, {task_of("", nn::Predicts::label)})).find("the student has token_retention") !=
        std::string::npos);
  c = small_config();
  c.attention_normaliser = "sparsemax";
  CHECK(refused(inside, *text_model(c, {task_of("", nn::Predicts::label)})) ==
        "attention is handed over between softmaxes; the teacher has softmax, the student sparsemax");
  CHECK(refused({}, *text_model(small_config(), {task_of("", nn::Predicts::label, {"yes", "no"})})) ==
        "the teacher knows the labels bad, good, the student's data has yes, no");
  TransferOptions nothing;
  nothing.hard = 0;
  CHECK(refused(nothing, *bert(2)) == "all weights are 0: there is nothing to learn");
  TransferOptions minilm;
  minilm.minilm = 1;
  CHECK(refused(minilm, *bert(2, 3, 2)).find("--minilm needs equal heads, the teacher has 4, the student 2") == 0);
}
