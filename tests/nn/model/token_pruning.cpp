// Token pruning: which tokens go on, that a model computes with them what it should, and how a schedule is learned.
#include "nn/model/token_pruning.h"

#include <omp.h>

#include <numeric>

#include "tests/support/gradcheck.h"
#include "tests/support/nn.h"

using namespace test;

namespace {

nn::Config config_of(std::vector<double> schedule, long bins = 0, long window = 0) {
  nn::Config c = small_config();
  c.num_hidden_layers = 3;
  c.initializer_range = 0.3;
  c.token_retention = std::move(schedule);
  c.retention_bins = bins;
  c.attention_window = window;
  return c;
}

// Of the n rows of sequence b the `count` that get most of its probabilities, over heads and rows; [CLS] always.
std::vector<int> most_looked_at(const nn::AttentionMaps& maps, const Ragged& layout, long b, long count) {
  const long n = layout.key_count(b);
  std::vector<double> weight(n);
  for (long h = 0; h < 4; ++h)
    for (long i = 0; i < n * n; ++i) weight[i % n] += maps.probs.data()[layout.block(b, h) + i];
  weight[0] = 1e9;
  std::vector<int> order(n);
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int s, int t) { return weight[s] > weight[t]; });
  order.resize(std::min(n, count));
  std::sort(order.begin(), order.end());
  return order;
}

}  // namespace

TEST_CASE("keep_significant: the most looked at, in their order; [CLS] always, the earlier of equals, rounded up") {
  const Indices offsets{0, 5, 8};
  const Tensor received({8}, {0, 3, 1, 3, 2, 0, 0, 0});
  const auto kept = [&](double share, long always = 1) {
    return nn::keep_significant(received, offsets, offsets, share, always);
  };
  CHECK(kept(0.4).rows == Indices{0, 1, 5, 6});
  CHECK(kept(0.4).offsets == Indices{0, 2, 4});
  CHECK(kept(0.41).rows == Indices{0, 1, 3, 5, 6});
  CHECK(kept(0.6, 3).rows == Indices{0, 1, 2, 5, 6, 7});  // three that always go on
  CHECK(kept(1e-6).rows == Indices{0, 5});
  CHECK(kept(1).rows == Indices{0, 1, 2, 3, 4, 5, 6, 7});
  // of the length at the beginning: 10 tokens, of which 5 are left; 0.7 of 10 are 7 although 0.7 is more in binary
  CHECK(nn::keep_significant(received, offsets, {0, 10, 20}, 0.2, 1).offsets == Indices{0, 2, 4});
  const Tensor even = Tensor::zeros({10});
  CHECK(nn::keep_significant(even, {0, 10}, {0, 10}, 0.7, 1).rows == Indices{0, 1, 2, 3, 4, 5, 6});
  const Tensor broken({3}, {0, std::numeric_limits<real>::quiet_NaN(), 1});
  CHECK(nn::keep_significant(broken, {0, 3}, {0, 3}, 0.6, 1).rows == Indices{0, 2});
  CHECK(error_of([&] { kept(0); }).find("a share in (0, 1]") != std::string::npos);
}

TEST_CASE("token retention: with 1 everywhere not a bit changes, forwards and backwards") {
  std::vector<std::vector<real>> runs;
  for (const auto& schedule : {std::vector<double>{}, std::vector<double>{1, 1, 1}}) {
    Drawn model(config_of(schedule));
    const Tensor logits = model(sentences({7, 3, 20, 1}));
    runs.push_back(logits.to_vector());
    backward(cross_entropy(logits, {0, 1, 2, 0}));
    const std::vector<real> gradients = gradients_of(model.params);
    runs.back().insert(runs.back().end(), gradients.begin(), gradients.end());
  }
  CHECK(same_bits(runs[0], runs[1]));
}

TEST_CASE("token retention: a layer hands on the rows that its attention maps call significant, as done by hand") {
  const Drawn model(config_of({0.7, 0.4, 0.4}));
  const nn::Bert& bert = *model.encoder.bert();
  const nn::Tokens tokens = sentences({7, 3, 20, 1});
  Tensor x = bert.embeddings(tokens);
  Indices offsets = tokens.offsets;
  for (size_t l = 0; l < 3; ++l) {
    const Ragged layout(offsets, 4);
    nn::AttentionMaps maps;
    x = bert.layers[l].attend(x, x, layout, &maps);
    Indices rows, next{0};
    for (long b = 0; b < 4; ++b) {
      const int length = tokens.offsets[b + 1] - tokens.offsets[b], count = ((l == 0 ? 7 : 4) * length + 9) / 10;
      for (const int t : most_looked_at(maps, layout, b, count)) rows.push_back(offsets[b] + t);
      next.push_back(int(rows.size()));
    }
    offsets = next;
    x = bert.layers[l].feed(gather_rows(x, rows));
  }
  CHECK(offsets == Indices{0, 3, 5, 13, 14});
  const Tensor want = gather_rows(x, {0, 3, 5, 13});
  CHECK(differs(model.encoder(tokens, {nn::Rows::first}).first, want) == "");
  nn::Trace trace;
  CHECK(differs(model.encoder(tokens, {nn::Rows::first}, &trace).first, want) == "");
  CHECK(trace.attention[0].rows.empty());
  CHECK(trace.attention[2].rows.size() == 14);
  CHECK(trace.attention[2].rows[3] == 7);  // the second sequence's [CLS]
  CHECK(trace.hidden[3].dim(0) == 14);
  const nn::Encoded all = model.encoder(tokens, {nn::Rows::all});  // of the tokens that are left
  CHECK(differs(all.tokens, x) == "");
  CHECK(all.offsets == offsets);
  CHECK(error_of([&] {
          model.encoder(tokens, nn::Rows::only({1, 2}));
        }).find("leaves tokens behind") != std::string::npos);
}

TEST_CASE("allocation: a sentence alone gives the logits that it gives in a batch, and a trace changes none") {
  const nn::Config configs[] = {config_of({0.8, 0.5, 0.3}), config_of({}, 0, 3), config_of({0.8, 0.5, 0.3}, 0, 3),
                                config_of({}, 4)};
  for (const nn::Config& c : configs) {
    Drawn model(c);
    if (c.retention_bins)
      for (long i = 0; i < 12; ++i) model.params.find("bert.encoder.retention.weight").data()[i] = real(i % 5) / 4;
    const NoGrad no_grad;
    const nn::Tokens all = sentences({7, 3, 37, 1});
    const Tensor together = model(all);
    nn::Trace trace;
    CHECK(differs(model(all, &trace), together, 1e-5, 1e-5) == "");
    for (int b = 0; b < 4; ++b) {
      CHECK(differs(model(one_of(all, b)), slice(together, 0, b, b + 1), 1e-5, 1e-5) == "");
    }
  }
}

TEST_CASE("allocation: the same bits with 1, 2 and 4 threads; each parameter gets a gradient") {
  const int before = omp_get_max_threads();
  for (const nn::Config& c : {config_of({0.8, 0.5, 0.3}, 0, 3), config_of({}, 4)}) {
    std::vector<std::vector<real>> runs;
    for (const int threads : {1, 2, 4}) {
      omp_set_num_threads(threads);
      Drawn model(c);
      Tensor loss = cross_entropy(model(sentences({7, 3, 37, 12})), {0, 1, 2, 0});
      if (c.retention_bins) loss = loss + nn::retention_mass(model.params.find("bert.encoder.retention.weight"));
      runs.push_back({loss.item()});
      backward(loss);
      for (const Tensor& p : model.params.tensors()) {
        CHECK_MESSAGE(differs(p.grad_tensor(), Tensor::zeros(p.shape()), 0, 0) != "", p.name());
        const std::vector<real> g = p.grad_tensor().to_vector();
        runs.back().insert(runs.back().end(), g.begin(), g.end());
      }
    }
    CHECK(same_bits(runs[0], runs[1]));
    CHECK(same_bits(runs[0], runs[2]));
  }
  omp_set_num_threads(before);
}

TEST_CASE("soft extraction: the token of rank k is multiplied with the retention parameter of its share of the ranks") {
  const Tensor x = Tensor::full({7, 2}, 1), received({7}, {9, 1, 2, 3, 4, 0, 5});
  const Tensor retention({2, 2}, {0.5, 0.25, 0.75, 0});
  const Tensor y = nn::soft_extract(x, received, {0, 5, 7}, retention, 0, 1);
  // [CLS] stays; ranks of the first sequence: 0, 4 (3), 3 (2), 2, 1
  const std::vector<real> want{1, 0.25, 0.25, 0.5, 0.5, 1, 0.25};
  for (int t = 0; t < 7; ++t) CHECK(y.data()[2 * t] == want[t]);
  CHECK(nn::retention_mass(retention).item() == doctest::Approx(1 * 0.375 + 2 * 0.375));
  CHECK(nn::learned_schedule(retention) == std::vector<double>{0.375, 0.375});
  CHECK(nn::learned_schedule(Tensor({2, 2}, {0, 0, 1, 1})) == std::vector<double>{1e-4, 1e-4});
}

TEST_SUITE_BEGIN("gradcheck");
TEST_CASE("soft extraction and the retention mass have the right gradients; hard removal, too") {
  const Tensor received = varied({9}, 3);
  gradcheck("soft_extract", {varied({9, 4}), varied({3, 4}, 2)}, [&](auto& x) {
    return nn::soft_extract(x[0], received, {0, 7, 9}, x[1], 1, 1) * nn::retention_mass(x[1]);
  });
  for (const nn::Config& c : {config_of({0.8, 0.5, 0.3}), config_of({}, 3)}) {
    Drawn model(c);
    const std::vector<Tensor> some{model.params.find("bert.encoder.layer.0.output.dense.bias"),
                                   model.params.find("bert.encoder.layer.1.attention.self.query.bias")};
    gradcheck("pruned bert", some, [&](auto&) { return model(sentences({7, 3, 12})); });
  }
}
TEST_SUITE_END();

TEST_CASE("config: schedules and windows travel; those that no model can have are refused with what to change") {
  const TemporaryDirectory dir;
  nn::Config c = config_of({1, 0.5, 0.25}, 0, 8);
  c.global_tokens = 2;
  const auto read = [&] { return nn::read_config(dir.write("config.json", nn::config_json(c))); };
  CHECK(read().token_retention == c.token_retention);
  CHECK(read().attention_window == 8);
  CHECK(read().global_tokens == 2);
  const auto refused = [&](const nn::Config& wrong, const std::string& why) {
    c = wrong;
    const std::string error = error_of(read);
    CHECK_MESSAGE(error.find(why) != std::string::npos, error);
  };
  refused(config_of({0.5, 0.7, 0.7}), "do not rise: a token that is gone does not come back; got 0.7 after 0.5");
  refused(config_of({0.5, 0.5}), "one share for each of 3 layers; got 2");
  refused(config_of({0.5, 0.5, 0}), "shares in (0, 1]");
  refused(config_of({0.5, 0.5, 0.5}, 4), "exclude each other");
  refused(config_of({}, 5000), "retention_bins must be in [0, 4096]");
  refused(config_of({}, 0, -1), "attention_window must be 0 (none) or more");
  nn::Config pool = config_of({}, 0, 4);
  pool.model_type = "attention_pool";
  refused(pool, "windows and token retention are for a BERT");
}
