// Heads and neurons that are taken out: what the smaller model computes, and which ones matter least.
#include "tasks/model/pruning.h"

#include "tasks/model/directory.h"
#include "tests/support/tasks.h"

using namespace test;
using model::LayerUnits;

namespace {

// Two layers of four heads (by default) and 64 neurons.
std::unique_ptr<model::TextModel> two_layers(long heads = 4) {
  nn::Config c = small_config();
  c.hidden_size = 16;
  c.num_attention_heads = heads;
  c.initializer_range = 0.3;
  return text_model(c, {task_of("", nn::Predicts::label, {"negative", "positive", "neutral"})});
}

text::Batch batch_of(const model::TextModel& model, const std::vector<text::Example>& texts) {
  return text::in_order(text::encode(texts, model.tokenizer, 24), int(texts.size()))[0];
}

std::unique_ptr<model::TextModel> saved_and_loaded(const model::TextModel& model, const std::string& directory) {
  model.save(directory);
  return model::load_model(model::ModelDirectory(directory));
}

}  // namespace

TEST_CASE("pruning: a model without neurons computes what the model with their gates closed computes, also from disk") {
  const TemporaryDirectory dir;
  const auto model = two_layers();
  const text::Batch batch = batch_of(*model, {{.text = "a good thing"}, {.text = "bad"}});
  LayerUnits removed(2);
  nn::Trace trace;
  for (int l = 0; l < 2; ++l) {
    trace.neuron_gates.push_back(Tensor::full({64}, 1));
    for (long n = l; n < 64; n += 2 + l) {  // every other one, every third one
      removed[l].push_back(n);
      trace.neuron_gates[l].data()[n] = 0;
    }
  }
  const Tensor gated = model->net(batch.tokens, &trace);
  CHECK(differs(model->net(batch.tokens), gated, 1e-4, 0) != "");  // the gates do something
  const auto pruned = model::without(*model, {{}, {}}, removed);
  CHECK(differs(pruned->net(batch.tokens), gated) == "");
  const auto loaded = saved_and_loaded(*pruned, dir.path);
  CHECK(loaded->config().intermediate_sizes == std::vector<long>{32, 43});
  CHECK(differs(loaded->net(batch.tokens), gated) == "");
  removed[1] = {};
  for (long n = 0; n < 11; ++n) removed[1].push_back(n);
  removed[0] = {};
  const auto even = model::without(*loaded, {{}, {}}, removed);  // 32 and 32: what Hugging Face can read
  CHECK(even->config().intermediate_size == 32);
  CHECK(even->config().intermediate_sizes.empty());
  CHECK(error_of([&] { model::without(*even, {{}, {}}, {{32}, {}}); }) == "layer 0 has 32 neurons; got 32");
}

TEST_CASE("pruning: a model without heads computes what the model with their gates closed computes, also from disk") {
  const TemporaryDirectory dir;
  const auto model = two_layers();
  const text::Batch batch = batch_of(*model, {{.text = "a good thing at noon"}, {.text = "bad"}});
  nn::Trace trace;
  trace.head_gates = {Tensor({16}, {1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0}),
                      Tensor({16}, {0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1})};
  const Tensor gated = model->net(batch.tokens, &trace);
  CHECK(differs(model->net(batch.tokens), gated, 1e-4, 0) != "");
  const auto pruned = model::without(*model, {{1, 3}, {0}}, {{}, {}});
  CHECK(pruned->net.params.count() < model->net.params.count());
  CHECK(differs(pruned->net(batch.tokens), gated) == "");
  const auto loaded = saved_and_loaded(*pruned, dir.path);
  CHECK(differs(loaded->net(batch.tokens), gated) == "");
  const auto twice = model::without(*loaded, {{0}, {1}}, {{}, {}});  // numbered as they are now
  CHECK(twice->config().pruned_heads == std::map<long, std::vector<long>>{{0, {1, 3, 0}}, {1, {0, 2}}});
  CHECK(error_of([&] { model::without(*loaded, {{0, 1}, {}}, {{}, {}}); }).find("leave a head") != std::string::npos);
}

TEST_CASE("neuron importance: the slope of the loss along a gate, by central differences; layers alike or not") {
  const auto model = two_layers();
  const std::vector<text::Example> texts{{.text = "a good thing at noon", .label = 1}};
  const text::Batch batch = batch_of(*model, texts);
  const auto importance = model::importance_of(*model, text::encode(texts, model->tokenizer, 24)).neurons;
  const auto loss = [&](int layer, int neuron, real g) {
    nn::Trace trace;
    trace.neuron_gates = {Tensor::full({64}, 1), Tensor::full({64}, 1)};
    trace.neuron_gates[layer].data()[neuron] = g;
    return double(cross_entropy(model->net(batch.tokens, &trace), batch.labels).item());
  };
  for (int l = 0; l < 2; ++l) {
    double squares = 0;
    std::vector<double> want;
    for (int n = 0; n < 64; ++n) {
      want.push_back(std::abs(loss(l, n, real(1.25)) - loss(l, n, real(0.75))) / 0.5);
      squares += want[n] * want[n];
    }
    for (int n = 0; n < 64; ++n)
      CHECK(importance[l][n] == doctest::Approx(want[n] / std::sqrt(squares)).epsilon(0.05).scale(0.05));
  }
  const std::vector<std::vector<double>> four{{0.1, 0.2, 0.3, 0.9}, {0.4, 0.5, 0.6, 0.8}};
  using model::Ranked;
  CHECK(model::least_important(four, 0.5, Ranked::within_a_layer) == LayerUnits{{0, 1}, {0, 1}});
  CHECK(model::least_important(four, 0.5, Ranked::over_all_layers) == LayerUnits{{0, 1, 2}, {0}});
  CHECK(model::least_important(four, 1, Ranked::within_a_layer) == LayerUnits{{0, 1, 2}, {0, 1, 2}});
}

TEST_CASE("head importance: the slope of the loss along a gate, by central differences; the least are taken first") {
  const auto model = two_layers(2);
  const std::vector<text::Example> texts{{.text = "a good thing at noon", .label = 1}};
  const text::Batch batch = batch_of(*model, texts);
  const auto importance = model::importance_of(*model, text::encode(texts, model->tokenizer, 24)).heads;
  std::vector<std::vector<double>> want(2, std::vector<double>(2));
  for (int l = 0; l < 2; ++l)
    for (int h = 0; h < 2; ++h) {
      const auto loss = [&](real g) {
        nn::Trace trace;
        trace.head_gates = {Tensor::full({16}, 1), Tensor::full({16}, 1)};
        std::fill_n(trace.head_gates[l].data() + h * 8, 8, g);
        return double(cross_entropy(model->net(batch.tokens, &trace), batch.labels).item());
      };
      want[l][h] = std::abs(loss(real(1.05)) - loss(real(0.95))) / 0.1;
    }
  for (int l = 0; l < 2; ++l)
    for (int h = 0; h < 2; ++h)
      CHECK(importance[l][h] == doctest::Approx(want[l][h] / std::hypot(want[l][0], want[l][1])).epsilon(0.05));
  CHECK(model::least_important({{0.1, 0.9, 0.3}, {0.2, 0.05, 0.8}}, 0.5) == LayerUnits{{0}, {0, 1}});
  CHECK(model::least_important({{0.1, 0.9}, {0.2, 0.8}}, 1) == LayerUnits{{0}, {0}});
}
