// What shapes attention, as terms of a loss: each by its formula over all that attends, on either encoder.
#include "tasks/objective/shaping.h"

#include <cmath>

#include "nn/loss/attention_shape.h"
#include "tests/support/tasks.h"

using namespace test;

namespace {

const std::vector<text::Example> kTexts{{.text = "cab bad deed", .label = 1, .rationale = "bad"},
                                        {.text = "a bee fed", .label = 0}};

// The terms of a batch of these texts, and the trace that they stand on.
struct Shaped {
  run::Terms terms;
  nn::Trace trace;
  text::Batch batch;

  Shaped(const model::TextModel& model, const objective::ShapingOptions& options,
         const std::vector<text::Example>& texts = kTexts) {
    batch = text::in_order(text::encode(texts, model.tokenizer, 24), 2)[0];
    const objective::Shaping shaping(options, texts, model.tokenizer);
    model.net(batch.tokens, shaping.ask(trace));
    shaping.add_to(terms, trace, batch);
  }
  double value(const std::string& term) const { return terms.values().at(term).get<double>(); }
  // The mean over all that attends.
  template <class F>
  double mean(F f) const {
    double sum = 0;
    for (const nn::AttentionMaps& maps : trace.attention) sum += double(f(maps).item());
    return sum / double(trace.attention.size());
  }
};

// Options of one weight alone.
objective::ShapingOptions only(double objective::ShapingOptions::*weight, double value) {
  objective::ShapingOptions options;
  options.*weight = value;
  return options;
}

}  // namespace

TEST_CASE("shaping: every term is its formula's mean over layers and a head's own queries, times its weight") {
  for (const std::string type : {"bert", "attention_pool"}) {
    const auto model = text_model(small_config(type), {own_attention()});
    objective::ShapingOptions o;
    o.entropy_penalty = -0.5;
    o.target_entropy = 1.5;
    o.target_entropy_weight = 3;
    o.head_disagreement = 2;
    o.guide_weight = 0.25;
    const Shaped s(*model, o);
    REQUIRE(s.trace.attention.size() == (type == "bert" ? 3 : 1));
    const auto entropy = [](const nn::AttentionMaps& m) { return nn::attention_entropy(m.probs, m.layout); };
    CHECK(s.value("entropy") == doctest::Approx(s.mean(entropy)));
    CHECK(s.value("entropy_distance") == doctest::Approx(s.mean([&](const nn::AttentionMaps& m) {
            const Tensor d = entropy(m) - Tensor::full({}, real(1.5));
            return d * d;
          })));
    CHECK(s.value("head_overlap") ==
          doctest::Approx(s.mean([](const nn::AttentionMaps& m) { return nn::head_disagreement(m.probs, m.layout); })));
    const Tensor prior = text::Guide::from_rationales(kTexts, model->tokenizer).prior(s.batch);
    CHECK(s.value("rationale") == doctest::Approx(s.mean([&](const nn::AttentionMaps& m) {
            return nn::guided_attention(m.probs, prior, m.layout);
          })));
    CHECK(s.terms.sum().item() == doctest::Approx(-0.5 * s.value("entropy") + 3 * s.value("entropy_distance") +
                                                  2 * s.value("head_overlap") + 0.25 * s.value("rationale"))
                                      .epsilon(1e-5));
    backward(s.terms.sum());
    const std::string queries = type == "bert" ? "bert.encoder.layer.0.attention.self.query.weight" : "pool.queries";
    CHECK(model->net.params.find(queries).has_grad());
  }
}

TEST_CASE("shaping: nobody looks unless a term is asked for; a model that shows no attention is refused") {
  const auto model = text_model(small_config(), {own_attention()});
  const std::vector<text::Example> unmarked{{.text = "a bee"}};
  const Shaped nothing(*model, {}, unmarked);
  CHECK(nothing.terms.empty());
  CHECK(nothing.trace.attention.empty());
  const objective::Shaping sharp(only(&objective::ShapingOptions::entropy_penalty, 1), unmarked, model->tokenizer);
  run::Terms terms;
  CHECK(error_of([&] { sharp.add_to(terms, nn::Trace(), nothing.batch); }) == "shaping: the model shows no attention");
}

TEST_CASE("shaping: where tokens are left behind, a rationale guides the attention to those that are left") {
  nn::Config c = small_config();
  c.token_retention = {0.6, 0.4};
  const auto model = text_model(c, {own_attention()});
  const Shaped s(*model, only(&objective::ShapingOptions::guide_weight, 1));
  REQUIRE(s.trace.attention.size() == 3);
  const Tensor prior = text::Guide::from_rationales(kTexts, model->tokenizer).prior(s.batch);  // [N]
  const nn::AttentionMaps& own = s.trace.attention[2];
  CHECK(own.layout.keys.back() < s.batch.tokens.count());
  CHECK(s.value("rationale") == doctest::Approx(s.mean([&](const nn::AttentionMaps& m) {
          std::vector<real> left;
          for (long k = 0; k < m.layout.keys.back(); ++k) left.push_back(prior.data()[m.rows.empty() ? k : m.rows[k]]);
          const long n = long(left.size());
          return nn::guided_attention(m.probs, Tensor({n}, left), m.layout);
        })));
}

TEST_CASE("shaping: R-Drop takes the mean of two passes and half of alpha times their distance") {
  const auto model = text_model(small_config(), {task_of("", nn::Predicts::label)});
  const objective::Shaping shaping(only(&objective::ShapingOptions::r_drop, 3), {}, model->tokenizer);
  CHECK(shaping.runs_twice());
  const text::EncodedSet texts = text::encode(kTexts, model->tokenizer, 24);
  const spec::TaskSet set = train_set(model->only_task(), texts);
  const text::Batch batch = text::in_order(texts, 2)[0];
  const Tensor a({2, 2}, {1, 2, 3, -1}), b({2, 2}, {0, 2, 1, 1});
  run::Terms terms;
  shaping.add_task_loss(terms, "loss", 2, set.tasks[0], a, batch, [&] { return b; });
  const double loss = (cross_entropy(a, {1, 0}).item() + cross_entropy(b, {1, 0}).item()) / 2,
               distance = symmetric_kl(a, b).item();
  CHECK(terms.values()["loss"].get<double>() == doctest::Approx(loss));
  CHECK(terms.values()["r_drop"].get<double>() == doctest::Approx(distance));
  CHECK(terms.sum().item() == doctest::Approx(2 * loss + 2 * 3 / 2. * distance).epsilon(1e-5));
}
