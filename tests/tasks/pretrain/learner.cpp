// Pre-training without its program: the loss of both objectives, and what follows from a budget.
#include <cmath>
#include <map>

#include "nn/loss/attention_transfer.h"
#include "nn/loss/distil.h"
#include "tasks/pretrain/budget.h"
#include "tasks/pretrain/learner.h"
#include "tasks/pretrain/stack.h"
#include "tests/support/nn.h"

using namespace test;
using pretrain::Objective;

namespace {

text::WordPiece letters() {
  std::vector<std::string> pieces{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  for (char c = 'a'; c <= 'z'; ++c) pieces.push_back(std::string(1, c));
  return text::WordPiece(pieces);
}

nn::Config small() {
  nn::Config c = sized_config({.vocabulary = 31, .width = 16, .layers = 2, .heads = 2, .inner = 24, .positions = 40});
  c.hidden_dropout_prob = c.attention_probs_dropout_prob = 0;
  c.initializer_range = 0.2;
  return c;
}

std::unique_ptr<pretrain::Learner> learner_of(const nn::Config& config, const pretrain::LearnerOptions& o) {
  auto net = std::make_unique<model::TextModel>(config, std::vector{pretrain::task_of(o.objective)}, letters(),
                                                model::Reading{.max_length = 40}, o.seed);
  net->net.params.initialise();
  net->net.params.eval();
  return std::make_unique<pretrain::Learner>(std::move(net), o);
}

pretrain::LearnerOptions options_of(Objective objective) {
  pretrain::LearnerOptions o;
  o.objective = objective;
  o.seed = 4;
  o.generator_size = 0.5;
  if (objective == Objective::rtd) o.mask = {.share = 0.15, .hidden = 0.85, .replaced = 0, .repeats = true};
  return o;
}

// Eleven sequences of 5 to 35 tokens.
text::Corpus corpus_of(const text::WordPiece& tokenizer) {
  text::CorpusBuilder builder({.max_length = 40});
  builder.open("file", 1);
  for (int t = 0; t < 11; ++t) {
    std::string text;
    for (int i = 0; i < 3 * (t + 1); ++i) text += std::string(1, char('a' + (5 * t + i * i) % 26)) + " ";
    builder.add({text}, tokenizer);
  }
  return builder.train;
}

std::vector<long> all_of(const text::Corpus& corpus) {
  std::vector<long> all;
  for (long s = 0; s < corpus.size(); ++s) all.push_back(s);
  return all;
}

}  // namespace

TEST_CASE("pretrain: parts of a step add up to the loss and the gradients of the whole step") {
  const auto learner = learner_of(small(), options_of(Objective::mlm));
  const text::Corpus corpus = corpus_of(letters());
  const auto step = [&](const std::vector<pretrain::Part>& parts) {
    const pretrain::Sums counts = pretrain::Learner::counts(parts);
    double loss = 0;
    for (const pretrain::Part& part : parts) {
      const run::Terms terms = learner->loss(part, counts);
      loss += double(terms.sum().item());
      backward(terms.sum());
    }
    std::vector<Tensor> gradients;
    for (const Tensor& p : learner->model().net.params.tensors()) gradients.push_back(p.grad_tensor());
    learner->model().net.params.clear_grads();
    return std::pair(loss, gradients);
  };
  const std::vector<pretrain::Part> whole = learner->parts(corpus, all_of(corpus), 100, 10000);
  const std::vector<pretrain::Part> parts = learner->parts(corpus, all_of(corpus), 100, 40);
  REQUIRE(whole.size() == 1);
  CHECK(parts.size() > 3);
  Indices targets, ids;
  for (const pretrain::Part& p : parts) {
    CHECK(p.masked.tokens.count() <= 40);
    targets.insert(targets.end(), p.masked.targets.begin(), p.masked.targets.end());
    ids.insert(ids.end(), p.masked.tokens.ids.begin(), p.masked.tokens.ids.end());
  }
  CHECK(targets == whole[0].masked.targets);
  CHECK(ids == whole[0].masked.tokens.ids);
  const auto [loss, gradients] = step(whole);
  const auto [loss_of_parts, gradients_of_parts] = step(parts);
  CHECK(loss_of_parts == doctest::Approx(loss).epsilon(1e-5));
  for (size_t p = 0; p < gradients.size(); ++p) CHECK(differs(gradients_of_parts[p], gradients[p], 1e-6, 1e-3) == "");
}

namespace {

// A step: the values of its terms and the loss, added up over its parts.
struct Step {
  std::map<std::string, double> terms;
  double loss = 0;
};
Step step_of(const pretrain::Learner& learner, const std::vector<pretrain::Part>& parts) {
  const pretrain::Sums counts = pretrain::Learner::counts(parts);
  Step step;
  for (const pretrain::Part& part : parts) {
    const run::Terms terms = learner.loss(part, counts);
    for (const auto& [name, value] : terms.values().items()) step.terms[name] += value.get<double>();
    step.loss += double(terms.sum().item());
    backward(terms.sum());
  }
  return step;
}

std::unique_ptr<model::TextModel> encoder(const nn::Config& config, uint64_t seed) {
  auto net = std::make_unique<model::TextModel>(config, std::vector{pretrain::task_of(Objective::mlm)}, letters(),
                                                model::Reading{.max_length = 40}, seed);
  net->net.params.initialise();
  net->net.params.eval();
  return net;
}

}  // namespace

TEST_CASE("pretrain: a teacher's terms are those of its layers and logits; a student that is its teacher has none") {
  const text::Corpus corpus = corpus_of(letters());
  objective::TransferOptions o;
  o.soft_targets = 0.5, o.relations = 2, o.minilm = 3, o.temperature = 2;
  const auto learner = std::make_unique<pretrain::Learner>(encoder(small(), 4), options_of(Objective::mlm));
  const pretrain::Part part = learner->parts(corpus, all_of(corpus), 100, 10000)[0];
  const double alone = double(learner->loss(part, pretrain::Learner::counts({part})).sum().item());

  const auto teacher = encoder(small(), 9);
  nn::Trace of_student, of_teacher;
  const auto logits = [&](const model::TextModel& model, nn::Trace& trace) {
    return model.net.head()(model.net.encoder(part.masked.tokens, nn::Rows::only(part.masked.rows), &trace));
  };
  const Tensor s = logits(learner->model(), of_student), t = logits(*teacher, of_teacher);
  const Indices& offsets = part.masked.tokens.offsets;
  double relations = 0, minilm = 0;
  for (int layer = 0; layer < 2; ++layer) {
    const nn::AttentionMaps &a = of_student.attention[layer], &b = of_teacher.attention[layer];
    for (const auto& [x, y] : {std::pair{a.q, b.q}, {a.k, b.k}, {a.v, b.v}})
      relations += double(nn::relation_kl(x, y, offsets, 2).item()) / 6;
    minilm += double(nn::attention_kl(a.scores, b.scores, a.layout).item()) / 2;
    minilm += double(nn::relation_kl(a.v, b.v, offsets, 2).item()) / 2;
  }
  nn::Config with_dropout = small();
  with_dropout.hidden_dropout_prob = with_dropout.attention_probs_dropout_prob = 0.3;
  auto in_training = encoder(with_dropout, 9);
  in_training->net.params.train(3);  // a teacher has no dropout, whatever was done with it before
  learner->learn_from(std::move(in_training), o);
  const Step step = step_of(*learner, {part});
  CHECK(step.terms.at("masked") == doctest::Approx(alone));
  CHECK(step.terms.at("soft_targets") == doctest::Approx(double(nn::distillation(s, t, 2).item())));
  CHECK(step.terms.at("relations") == doctest::Approx(relations));
  CHECK(step.terms.at("minilm") == doctest::Approx(minilm));
  CHECK(step.terms.at("relations") > 0.01);
  CHECK(step.loss == doctest::Approx(alone + 0.5 * step.terms.at("soft_targets") + 2 * relations + 3 * minilm));
  for (const Tensor& p : learner->teacher()->net.params.tensors()) CHECK_MESSAGE(!p.has_grad(), p.name());

  learner->learn_from(encoder(small(), 4), o);
  for (const auto& [name, value] : step_of(*learner, {part}).terms)
    CHECK_MESSAGE((name == "masked" ? value > 1 : std::abs(value) < 1e-6), name);
  CHECK(error_of([&] {
          learner_of(small(), options_of(Objective::rtd))->learn_from(encoder(small(), 9), o);
        }).find("the detector of rtd reads what its own generator made") != std::string::npos);
}

TEST_CASE("pretrain: parts of a step with a teacher add up: its logits by hidden pieces, layers by tokens") {
  nn::Config wide = small();
  wide.hidden_size = 24;
  objective::TransferOptions o;
  o.hard = 0, o.soft_targets = 1, o.hidden_mse = 1;
  pretrain::Learner learner(encoder(small(), 4), options_of(Objective::mlm));
  learner.learn_from(encoder(wide, 9), o);
  CHECK(learner.beside_the_model().size() == 2);  // the projection from 16 to 24
  const text::Corpus corpus = corpus_of(letters());
  const Step whole = step_of(learner, learner.parts(corpus, all_of(corpus), 100, 10000));
  const std::vector<pretrain::Part> parts = learner.parts(corpus, all_of(corpus), 100, 40);
  REQUIRE(parts.size() > 3);
  const Step added = step_of(learner, parts);
  for (const char* name : {"masked", "soft_targets", "hidden_mse"})
    CHECK_MESSAGE(added.terms.at(name) == doctest::Approx(whole.terms.at(name)).epsilon(1e-5), name);
  CHECK(added.loss == doctest::Approx(added.terms.at("soft_targets") + added.terms.at("hidden_mse")));
  CHECK(added.terms.at("masked") > 1);
}

TEST_CASE("pretrain: of a model that knows nothing the loss is ln V, and with ELECTRA's weights ln V + 50 ln 2") {
  const text::Corpus corpus = corpus_of(letters());
  for (const Objective objective : {Objective::mlm, Objective::rtd}) {
    nn::Config config = small();
    config.initializer_range = 0;  // every logit is 0
    const auto learner = learner_of(config, options_of(objective));
    const std::vector<pretrain::Part> parts = learner->parts(corpus, all_of(corpus), 0, 60);
    const pretrain::Sums counts = pretrain::Learner::counts(parts);
    pretrain::Sums measured;
    double loss = 0;
    for (const pretrain::Part& part : parts) loss += double(learner->loss(part, counts).sum().item());
    for (const pretrain::Part& part : parts) measured.add(learner->measure(part));
    const double expected = std::log(31.) + (objective == Objective::rtd ? 50 * std::log(2.) : 0);
    CHECK(loss == doctest::Approx(expected).epsilon(1e-5));
    CHECK(measured.value(learner->options()) == doctest::Approx(expected).epsilon(1e-5));
    CHECK(learner->beside_the_model().empty() == (objective == Objective::mlm));
  }
}

TEST_CASE(
    "pretrain: a learned ELECTRA is saved as an encoder, without its generator; a masked language model with its "
    "head") {
  const TemporaryDirectory dir;
  learner_of(small(), options_of(Objective::rtd))->model().save(dir.path + "/rtd");
  const nn::SafeTensors encoder(dir.path + "/rtd/model.safetensors");
  for (const auto& [name, entry] : encoder.entries()) CHECK_MESSAGE(name.starts_with("bert."), name);
  const auto again =
      model::load_to_train(model::ModelDirectory(dir.path + "/rtd"), {pretrain::task_of(Objective::mlm)}, 1);
  const Tensor& word = again->net.encoder.word_embeddings();
  CHECK(differs(word, encoder.read("bert.embeddings.word_embeddings.weight"), 0, 0) == "");
  again->save(dir.path + "/half", nn::Stored::f16);
  const nn::SafeTensors half(dir.path + "/half/model.safetensors");
  CHECK(half.has("cls.predictions.bias"));
  CHECK(half.entry("bert.embeddings.word_embeddings.weight").dtype == "F16");
  CHECK(differs(half.read("bert.embeddings.word_embeddings.weight"), word, 1e-7, 5e-4) == "");
}

TEST_CASE("pretrain: a measurement has no dropout, the generator's neither, whatever was trained before it") {
  nn::Config c = small();
  c.hidden_dropout_prob = c.attention_probs_dropout_prob = 0.3;
  for (const Objective objective : {Objective::mlm, Objective::rtd}) {
    const auto learner = learner_of(c, options_of(objective));
    const text::Corpus corpus = corpus_of(learner->model().tokenizer);
    const pretrain::Part part = learner->parts(corpus, all_of(corpus), 0, 1'000'000)[0];
    const double before = learner->measure(part).loss;
    learner->train(5);
    CHECK(learner->measure(part).loss == before);
  }
}

TEST_CASE("budget: steps, tokens or seconds, whichever is given; steps grow over what is used of it") {
  CHECK(pretrain::Budget{.steps = 10}.used(3, 1e9, 1e9) == doctest::Approx(0.3));
  CHECK(pretrain::Budget{.tokens = 1000}.used(3, 250, 1e9) == doctest::Approx(0.25));
  CHECK(pretrain::Budget{.seconds = 50}.used(3, 1e9, 75) == doctest::Approx(1.5));
  CHECK(pretrain::step_tokens(0, 1000, 5000, 0.5) == 1000);
  CHECK(pretrain::step_tokens(0.25, 1000, 5000, 0.5) == 3000);
  CHECK(pretrain::step_tokens(0.7, 1000, 5000, 0.5) == 5000);
}

TEST_CASE("interval: due once for every so many steps, minutes or tenths of the budget, also after a resume") {
  const auto due_at = [](const std::string& text) {
    pretrain::Interval interval(text);
    std::vector<int> due;
    for (int step = 1; step <= 40; ++step) {
      pretrain::Interval resumed(text);
      resumed.continue_from(interval.last());
      const bool is = interval.is_due(step, step * 0.5, step / 40.);
      CHECK(resumed.is_due(step, step * 0.5, step / 40.) == is);
      if (is) due.push_back(step);
    }
    return due;
  };
  CHECK(due_at("15") == std::vector<int>{15, 30});
  CHECK(due_at("8m") == std::vector<int>{16, 32});
  CHECK(due_at("") == std::vector<int>{4, 8, 12, 16, 20, 24, 28, 32, 36, 40});
  for (const char* bad : {"0", "-3", "m", "1.5", "10h", "x"})
    CHECK_MESSAGE(error_of([&] { pretrain::Interval{std::string(bad)}; }).find("--eval-every") == 0, bad);
}

TEST_CASE("pretrain: a stacked model holds its layers over and over") {
  const auto shallow = learner_of(small(), options_of(Objective::mlm));
  const auto deep = pretrain::stack_layers(shallow->model(), 4, 9);
  REQUIRE(deep->config().num_hidden_layers == 4);
  const nn::Params &from = shallow->model().net.params, &to = deep->net.params;
  CHECK(to.count() > from.count());
  for (const Tensor& t : to.tensors()) {
    std::string source = t.name();
    for (const auto& [deeper, below] : {std::pair{".layer.2.", ".layer.0."}, {".layer.3.", ".layer.1."}})
      if (const size_t at = source.find(deeper); at != source.npos) source.replace(at, 9, below);
    CHECK_MESSAGE(same_bits(t.to_vector(), from.find(source).to_vector()), t.name());
  }
  CHECK(error_of([&] { pretrain::stack_layers(shallow->model(), 3, 9); }) ==
        "--stack: a multiple of the model's 2 layers, and more; got 3");
}
