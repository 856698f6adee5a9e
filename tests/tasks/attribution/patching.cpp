// Activation patching: a run with its own nodes is itself, a run with all of another's is the other.
#include "tasks/attribution/patching.h"

#include <cmath>

#include "tests/support/tasks.h"

using namespace test;
using namespace attribution;
using nn::Predicts;

namespace {

std::unique_ptr<model::TextModel> drawn(nn::Config c, const spec::TaskSpec& task) {
  c.initializer_range = 0.3;
  auto model = text_model(c, {task}, 7);
  model->net.params.freeze("*");
  return model;
}

Subject short_subject(const model::TextModel& model, const text::Example& text) {
  return subject_of(text, text::encode({text}, model.tokenizer, 40), 0, model.tokenizer);
}

Contrast contrast(const model::TextModel& model, int a = 0, int b = 1) {
  return {Decision(model, 0, a), Decision(model, 0, b)};
}

double difference(const Contrast& c, const Subject& s) {
  return c.one.of_text(s.windows) - (c.other ? c.other->of_text(s.windows) : 0);
}

const Effects* effects_of(const Patching& p, Component component) {
  for (const Effects& e : p.effects)
    if (e.component == component) return &e;
  return nullptr;
}

}  // namespace

TEST_CASE("patching: both texts score as the model says; where they are alike so are all nodes before any layer") {
  spec::TaskSpec mean = task_of("", Predicts::label);
  mean.reads = nn::Reads::mean;
  nn::Config local = small_config();
  local.attention_window = 2;
  local.global_tokens = 1;
  for (const auto& [config, task] : {std::pair{small_config(), task_of("", Predicts::label)},
                                     std::pair{small_config(), mean}, std::pair{local, own_attention()}}) {
    const auto model = drawn(config, task);
    const Subject clean = short_subject(*model, {.text = "cab bad deed"}),
                  corrupted = short_subject(*model, {.text = "cab fed deed"});
    const Contrast c = contrast(*model);
    const Patching p = patch(c, clean, corrupted);
    CHECK(p.clean == doctest::Approx(difference(c, clean)).epsilon(1e-4));
    CHECK(p.corrupted == doctest::Approx(difference(c, corrupted)).epsilon(1e-4));
    REQUIRE(p.sites.size() == 5);  // [CLS], three words, [SEP]
    CHECK(p.sites[2].clean == "bad");
    CHECK(p.sites[2].corrupted == "fed");
    CHECK(p.sites[2].rows == Indices{4, 5, 6});
    const Effects& residual = *effects_of(p, Component::residual);
    REQUIRE(residual.denoising.size() == 3);  // embeddings, two layers
    for (size_t s = 0; s < 5; ++s) {          // the words differ at one site: that one is all, the others are nothing
      CHECK(residual.denoising[0][s] == doctest::Approx(s == 2 ? 1 : 0).epsilon(1e-3));
      CHECK(residual.noising[0][s] == doctest::Approx(s == 2 ? 1 : 0).epsilon(1e-3));
    }
    if (task.reads) continue;  // behind the last layer the head reads [CLS] and nothing else
    for (size_t s = 0; s < 5; ++s) CHECK(residual.denoising[2][s] == doctest::Approx(s == 0 ? 1 : 0).epsilon(1e-3));
  }
}

TEST_CASE("patching: of a model with one head all attention in between is that head's; the nodes are told apart") {
  nn::Config c = small_config();
  c.num_hidden_layers = 1;
  c.num_attention_heads = 1;
  const auto model = drawn(c, task_of("", Predicts::label));
  const Subject clean = short_subject(*model, {.text = "a b c"}), corrupted = short_subject(*model, {.text = "a d c"});
  const Patching p = patch(contrast(*model), clean, corrupted);
  const Effects &head = *effects_of(p, Component::head), &attended = *effects_of(p, Component::attention),
                &fed = *effects_of(p, Component::feed_forward);
  // the head reads [CLS], whose own embedding is the same: all that differs came by attention
  CHECK(head.denoising[0][0] == doctest::Approx(1).epsilon(1e-3));
  CHECK(attended.denoising[0][0] == doctest::Approx(1).epsilon(1e-3));
  CHECK(std::abs(attended.denoising[0][2]) < 1e-3);
  CHECK(std::abs(fed.denoising[0][0]) > 1e-3);
  CHECK(std::abs(fed.denoising[0][0] - 1) > 1e-3);
}

TEST_CASE("patching: word embeddings have one node a word; a number is its own contrast") {
  spec::TaskSpec number = task_of("", Predicts::number);
  number.reads = nn::Reads::attention;
  const auto model = drawn(small_config("attention_pool"), number);
  const Patching p =
      patch({Decision(*model, 0, 0)}, short_subject(*model, {.text = "a b"}), short_subject(*model, {.text = "a d"}));
  REQUIRE(p.effects.size() == 1);
  CHECK(p.effects[0].denoising[0][2] == doctest::Approx(1).epsilon(1e-3));
}

TEST_CASE("patching: what has no partners is refused in one line") {
  const auto model = drawn(small_config(), task_of("", Predicts::label));
  const auto refused = [&](const text::Example& a, const text::Example& b) {
    return error_of([&] { patch(contrast(*model), short_subject(*model, a), short_subject(*model, b)); });
  };
  CHECK(refused({.text = "a b"}, {.text = "a"}).find("as many tokens, so that each has its partner; got 4 and 3") !=
        std::string::npos);
  CHECK(refused({.text = "a b"}, {.text = "a b"}).find("no difference to hand over") != std::string::npos);
  CHECK(refused({.text = "a", .pair = "b c"}, {.text = "a b", .pair = "c"}).find("begin at the same token") !=
        std::string::npos);
  nn::Config pruned = small_config();
  pruned.token_retention = {1, 0.5};
  const auto leaves = drawn(pruned, task_of("", Predicts::label));
  CHECK(error_of([&] {
          patch(contrast(*leaves), short_subject(*leaves, {.text = "a"}), short_subject(*leaves, {.text = "b"}));
        }).find("leaves tokens behind") != std::string::npos);
}

TEST_CASE("patching: words that stand in other places are taken piece by piece") {
  const auto model = drawn(small_config(), task_of("", Predicts::label));
  const Patching p =
      patch(contrast(*model), short_subject(*model, {.text = "cab a"}), short_subject(*model, {.text = "ba be"}));
  CHECK(p.sites.size() == 6);
  CHECK(p.sites[4].clean == "a");
  CHECK(p.sites[4].corrupted == "##e");
}
