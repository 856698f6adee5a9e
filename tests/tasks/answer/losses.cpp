// Titles and texts in parts against all of them at once, and which texts stand beside them. Read tasks/answer/losses.h
// before.
#include "tasks/answer/losses.h"

#include "nn/loss/contrastive.h"
#include "tests/support/tasks.h"

using namespace test;
using namespace answer;

namespace {

// Articles 0 ... n - 1 of the words "aaa" to "zzz", 3 and 4 and every 26th under one title.
Knowledge articles(int n) {
  Knowledge k;
  for (int i = 0; i < n; ++i) {
    const auto word = [](int j) { return std::string(3, char('a' + j % 26)); };
    const int t = i == 4 ? 3 : i;
    k.articles.push_back({std::to_string(i), "how " + word(t) + " " + word(t + 1),
                          word(t) + " " + word(t + 1) + " here " + word(i + 9), ""});
  }
  return k;
}

std::unique_ptr<model::TextModel> small_model() {
  nn::Config c;
  c.model_type = "attention_pool";
  c.hidden_size = 8;
  c.max_position_embeddings = 32;
  spec::TaskSpec intent = own_attention();
  intent.name = kIntent;
  return text_model(c, {intent});
}

std::vector<real> taken_gradient(model::TextModel& model) {
  const std::vector<real> all = gradients_of(model.net.params);
  model.net.params.clear_grads();
  return all;
}

struct Step {
  double value = 0;
  size_t parts = 0;
  std::vector<real> gradient;
};
Step step_of(Pairs& pairs, model::TextModel& model) {
  Step step;
  for (const Pairs::Part& part : pairs.parts_at(model, 0, 1)) {
    const Tensor loss = part.loss();
    step.value += part.share * double(loss.item());
    ++step.parts;
    engine::backward(loss * real(part.share));
  }
  step.gradient = taken_gradient(model);
  return step;
}

}  // namespace

TEST_CASE("pairs: a step of more articles than are held at once has the loss and the gradient of all at once") {
  const auto model = small_model();
  TrainOptions o;
  o.articles_batch = 40;
  const Knowledge k = articles(40);
  Pairs pairs(k, *model, o);
  CHECK(pairs.due(0));
  CHECK(!pairs.due(1));
  const Step got = step_of(pairs, *model);
  CHECK(got.parts == 3);

  const auto vectors = [&](std::string Article::*part) {
    std::vector<std::string> texts;
    for (const Article& a : k.articles) texts.push_back(a.*part);
    const text::Batch batch = text::in_order(encoded(*model, texts), 64)[0];
    nn::Trace trace;
    model->net.heads[0](model->net.encode(batch.tokens), &trace);
    return trace.context;
  };
  Indices titles(40);
  for (int i = 0; i < 40; ++i) titles[size_t(i)] = i == 4 ? 3 : i % 26;
  const Tensor whole =
      nn::multiple_negatives(vectors(&Article::title), vectors(&Article::text), {.symmetric = true, .classes = titles});
  engine::backward(whole);
  const std::vector<real> want = taken_gradient(*model);
  CHECK(got.value == doctest::Approx(double(whole.item())).epsilon(1e-5));
  CHECK(largest_magnitude(want) > 1e-3);
  CHECK(largest_difference(got.gradient, want) < 1e-4 * largest_magnitude(want));
}

TEST_CASE("pairs: hard negatives share words with the title, are of another title, and make the loss larger") {
  const auto model = small_model();
  TrainOptions o;
  o.articles_batch = 20;
  const Knowledge k = articles(20);
  Pairs plain(k, *model, o);
  CHECK(plain.hard_negatives(5).empty());
  o.hard_negatives = 2;
  Pairs hard(k, *model, o);
  long found = 0;
  for (int i = 0; i < 20; ++i)
    for (const int j : hard.hard_negatives(i)) {
      ++found;
      CHECK(k.articles[size_t(j)].title != k.articles[size_t(i)].title);
    }
  CHECK(found > 10);
  CHECK(step_of(hard, *model).value > step_of(plain, *model).value);
  CHECK(!Pairs(articles(1), *model, o).due(0));
}
