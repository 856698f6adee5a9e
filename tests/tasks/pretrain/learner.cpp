// Pre-training without its program: the loss of both objectives, and what follows from a budget.
#include <cmath>

#include "tasks/pretrain/budget.h"
#include "tasks/pretrain/learner.h"
#include "tests/support.h"

using namespace test;
using pretrain::Objective;

namespace {

text::WordPiece letters() {
  std::vector<std::string> pieces{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  for (char c = 'a'; c <= 'z'; ++c) pieces.push_back(std::string(1, c));
  return text::WordPiece(pieces);
}

nn::Config small() {
  nn::Config c;
  c.vocab_size = 31;
  c.hidden_size = 16;
  c.num_hidden_layers = 2;
  c.num_attention_heads = 2;
  c.intermediate_size = 24;
  c.max_position_embeddings = 40;
  c.hidden_dropout_prob = c.attention_probs_dropout_prob = 0;
  c.initializer_range = 0.2;
  return c;
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

TEST_CASE("pretrain: parts of a step add up to the loss and the gradients of the whole step, with both objectives") {
  const text::WordPiece tokenizer = letters();
  const text::Corpus corpus = corpus_of(tokenizer);
  for (const Objective objective : {Objective::mlm, Objective::rtd}) {
    pretrain::Learner learner(small(), tokenizer, options_of(objective));
    learner.encoder().params.eval();
    const auto step = [&](const std::vector<pretrain::Part>& parts) {
      const pretrain::Sums counts = pretrain::Learner::counts(parts);
      pretrain::Sums sums;
      double loss = 0;
      for (const pretrain::Part& part : parts) {
        const Tensor of_part = learner.loss(part, counts, sums);
        loss += double(of_part.item());
        backward(of_part);
      }
      CHECK(sums.value(learner.options()) == doctest::Approx(loss).epsilon(1e-5));
      CHECK(sums.masked == counts.masked);
      std::vector<Tensor> gradients;
      for (const Tensor& p : learner.encoder().params.tensors()) gradients.push_back(p.grad_tensor());
      learner.encoder().params.clear_grads();
      return std::pair(loss, gradients);
    };
    std::vector<pretrain::Part> whole = learner.parts(corpus, all_of(corpus), 100, 10000);
    std::vector<pretrain::Part> parts = learner.parts(corpus, all_of(corpus), 100, 40);
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
    if (objective == Objective::rtd) continue;  // samples go by part: other ones, of the same distribution
    const auto [loss, gradients] = step(whole);
    const auto [loss_of_parts, gradients_of_parts] = step(parts);
    CHECK(loss_of_parts == doctest::Approx(loss).epsilon(1e-5));
    for (size_t p = 0; p < gradients.size(); ++p) CHECK(differs(gradients_of_parts[p], gradients[p], 1e-6, 1e-3) == "");
  }
}

TEST_CASE("pretrain: of a model that knows nothing the loss is ln V, and with ELECTRA's weights ln V + 50 ln 2") {
  const text::WordPiece tokenizer = letters();
  const text::Corpus corpus = corpus_of(tokenizer);
  for (const Objective objective : {Objective::mlm, Objective::rtd}) {
    nn::Config config = small();
    config.initializer_range = 0;  // every logit is 0
    pretrain::Learner learner(config, tokenizer, options_of(objective));
    learner.encoder().params.eval();
    const std::vector<pretrain::Part> parts = learner.parts(corpus, all_of(corpus), 0, 60);
    const pretrain::Sums counts = pretrain::Learner::counts(parts);
    pretrain::Sums sums, measured;
    double loss = 0;
    for (const pretrain::Part& part : parts) loss += double(learner.loss(part, counts, sums).item());
    for (const pretrain::Part& part : parts) measured.add(learner.measure(part));
    const double expected = std::log(31.) + (objective == Objective::rtd ? 50 * std::log(2.) : 0);
    CHECK(loss == doctest::Approx(expected).epsilon(1e-5));
    CHECK(sums.value(learner.options()) == doctest::Approx(expected).epsilon(1e-5));
    CHECK(measured.value(learner.options()) == doctest::Approx(expected).epsilon(1e-5));
  }
}

TEST_CASE("pretrain: a learned ELECTRA is saved as an encoder, without its generator; a masked language model with its head") {
  const TemporaryDirectory dir;
  pretrain::Learner rtd(small(), letters(), options_of(Objective::rtd));
  rtd.save(dir.path + "/rtd", 40);
  const nn::SafeTensors encoder(dir.path + "/rtd/model.safetensors");
  for (const auto& [name, entry] : encoder.entries()) CHECK_MESSAGE(name.starts_with("bert."), name);
  nn::Params::LoadReport report;
  const pretrain::Learner again(run::ModelDirectory(dir.path + "/rtd"), options_of(Objective::mlm), report);
  CHECK(report.loaded.size() == encoder.entries().size());
  again.save(dir.path + "/half", 40, true);
  const nn::SafeTensors half(dir.path + "/half/model.safetensors");
  CHECK(half.has("cls.predictions.bias"));
  CHECK(half.entry("bert.embeddings.word_embeddings.weight").dtype == "F16");
}

TEST_CASE("budget: steps, tokens or seconds, whichever is given; the rate is a triangle over what is used of it") {
  CHECK(pretrain::Budget{.steps = 10}.used(3, 1e9, 1e9) == doctest::Approx(0.3));
  CHECK(pretrain::Budget{.tokens = 1000}.used(3, 250, 1e9) == doctest::Approx(0.25));
  CHECK(pretrain::Budget{.seconds = 50}.used(3, 1e9, 75) == doctest::Approx(1.5));
  const auto rate = [](double used) { return pretrain::rate_at(used, optim::ScheduleKind::linear, 2e-3, 0.1); };
  CHECK(rate(0) == 0);
  CHECK(rate(0.05) == doctest::Approx(1e-3));
  CHECK(rate(0.1) == doctest::Approx(2e-3));
  CHECK(rate(0.55) == doctest::Approx(1e-3));
  CHECK(rate(1) == doctest::Approx(0).epsilon(1e-12));
  CHECK(rate(1.2) == doctest::Approx(0).epsilon(1e-12));
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
