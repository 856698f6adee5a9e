// Adapters on a model: what is trained and what stays, prefixes by hand, which modules are meant, what is refused.
#include <cmath>
#include <filesystem>
#include <set>

#include "nn/adapter/attach.h"
#include "nn/adapter/files.h"
#include "nn/adapter/lora.h"
#include "tests/support/gradcheck.h"
#include "tests/support/nn.h"

using namespace test;
using nn::AdapterConfig;
using nn::AdapterKind;

namespace {

AdapterConfig config_of(AdapterKind kind, long rank = 3) {
  AdapterConfig c;
  c.kind = kind;
  c.rank = rank;
  c.alpha = 5;
  c.targets = {"query", "value", "output.dense"};
  if (kind == AdapterKind::bitfit) c.bias = "all";
  c.modules_to_save = {"pooler", "classifier"};
  return c;
}

AdapterConfig dora() {
  AdapterConfig c = config_of(AdapterKind::lora);
  c.dora = c.stabilised = true;
  return c;
}

AdapterConfig lora_of_tables() {
  AdapterConfig c = config_of(AdapterKind::lora);
  c.targets = {"query", "word_embeddings", "position_embeddings", "token_type_embeddings"};
  c.rank_pattern = {{"word_embeddings", 2}};
  return c;
}

std::vector<AdapterConfig> all_kinds() {
  return {config_of(AdapterKind::lora),
          dora(),
          lora_of_tables(),
          config_of(AdapterKind::houlsby),
          config_of(AdapterKind::pfeiffer),
          config_of(AdapterKind::prefix, 4),
          config_of(AdapterKind::bitfit)};
}

// As after some training: nothing that is the adapter's own is at its first value.
void move(nn::Model& model) {
  for (const Tensor& p : model.params.own()) {
    const Tensor by = varied(p.shape(), 5);
    for (long i = 0; i < p.numel(); ++i) p.data()[i] += real(0.2) * by.data()[i];
  }
}

std::set<std::string> targets_of(const AdapterConfig& config, nn::Model& model) {
  std::set<std::string> modules;
  model.for_each_linear([&](nn::Linear& layer) {
    const std::string module = nn::module_of(layer.bias.name());
    if (config.targets_module(module)) modules.insert(module);
  });
  return modules;
}

// Two heads of width 3 over the two rows of a prefix table [2, 24], keys from its column 12, and over a sequence's own.
struct PrefixByHand {
  Tensor out;                // [N, 6]
  std::vector<double> left;  // of each sequence, head, query and own key: its probability

  PrefixByHand(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& table, const Indices& offsets)
      : out(Tensor::zeros(q.shape())) {
    for (size_t b = 0; b + 1 < offsets.size(); ++b)
      for (long h = 0; h < 2; ++h)
        for (int i = offsets[b]; i < offsets[b + 1]; ++i) {
          const auto row = [&](const Tensor& own, long column, long j) {
            return j < 2 ? table.data() + j * 24 + column + 3 * h : own.data() + (offsets[b] + j - 2) * 6 + 3 * h;
          };
          std::vector<double> p;
          double sum = 0;
          for (long j = 0; j < 2 + offsets[b + 1] - offsets[b]; ++j) {
            double score = 0;
            for (long c = 0; c < 3; ++c) score += double(q.data()[i * 6 + 3 * h + c]) * row(k, 12, j)[c];
            sum += (p.push_back(std::exp(score / std::sqrt(3.0))), p.back());
          }
          for (size_t j = 0; j < p.size(); ++j) {
            if (j >= 2) left.push_back(p[j] / sum);
            for (long c = 0; c < 3; ++c) out.data()[i * 6 + 3 * h + c] += real(p[j] / sum * row(v, 18, long(j))[c]);
          }
        }
  }
};

}  // namespace

TEST_CASE("adapter: when it is put on a model, the model says what it said; a prefix alone takes attention at once") {
  for (const AdapterConfig& config : all_kinds()) {
    Drawn model(small_config());
    const nn::Tokens tokens = sentences({7, 3, 12});
    const Tensor before = model(tokens);
    nn::attach(model, config, "");
    const bool nothing = config.kind == AdapterKind::lora || config.kind == AdapterKind::bitfit;
    const std::string how = differs(model(tokens), before, nothing ? 2e-6 : 0.05, 0);
    CHECK_MESSAGE((how == "") == (config.kind != AdapterKind::prefix), nn::name_of(config.kind), " ", how);
  }
}

TEST_CASE("adapter: every own parameter gets a gradient, no parameter of the base gets one, nor a place in own()") {
  for (const AdapterConfig& config : all_kinds()) {
    Drawn model(small_config());
    std::set<std::string> base;
    for (const Tensor& p : model.params.tensors()) base.insert(p.name());
    nn::attach(model, config, "print");
    move(model);
    const Tensor logits = model(sentences({7, 3, 12}));
    backward(sum(logits * varied(logits.shape(), 2)));
    std::set<std::string> own;
    for (const Tensor& p : model.params.own()) own.insert(p.name());
    for (const Tensor& p : model.params.tensors()) {
      CHECK_MESSAGE(p.has_grad() == (own.count(p.name()) > 0), nn::name_of(config.kind), " ", p.name());
      CHECK(p.wants_grad() == (own.count(p.name()) > 0));
      if (!base.count(p.name())) CHECK(own.count(p.name()) == 1);
    }
    CHECK(own.count("classifier.weight") == 1);
    CHECK(own.count("bert.encoder.layer.0.intermediate.dense.bias") == (config.kind == AdapterKind::bitfit));
    CHECK(own.count("bert.encoder.layer.0.intermediate.dense.weight") == 0);
    CHECK(model.params.base_fingerprint() == "print");
  }
}

TEST_CASE("adapter: merged, a model gives the same logits from its own parameters alone; networks are not merged") {
  for (const AdapterConfig& config : all_kinds()) {
    Drawn model(small_config());
    const size_t parameters = model.params.tensors().size();
    nn::attach(model, config, "");
    move(model);
    const Tensor before = model(sentences({7, 3, 12}));
    if (!config.merges()) {
      CHECK(error_of([&] { nn::merge(model); }).find("cannot be merged") != std::string::npos);
      continue;
    }
    nn::merge(model);
    CHECK(differs(model(sentences({7, 3, 12})), before, 1e-5, 0) == "");
    CHECK(model.params.tensors().size() == parameters);
    CHECK(model.params.trainable().size() == parameters);
    CHECK(!model.adapter);
  }
}

TEST_CASE("adapter: what a text is given does not depend on its batch, nor on whether it is looked at") {
  for (const AdapterConfig& config : all_kinds()) {
    Drawn model(small_config());
    nn::attach(model, config, "");
    move(model);
    const nn::Tokens tokens = sentences({7, 3, 12});
    const Tensor all = model(tokens);
    nn::Trace trace;
    CHECK(differs(model(tokens, &trace), all) == "");
    REQUIRE(trace.attention.size() == 2);
    CHECK(trace.attention[0].probs.numel() == trace.attention[0].layout.size());
    CHECK(trace.attention[0].layout.keys == tokens.offsets);
    for (int b = 0; b < 3; ++b)
      CHECK(differs(model(one_of(tokens, b)).data(), all.data() + 3 * b, 3, 1e-5, 1e-4) == "");
  }
}

TEST_CASE("adapter: dropout of lora stands before its addition only, and only while the model is trained") {
  Drawn model(small_config());
  AdapterConfig config = config_of(AdapterKind::lora);
  config.dropout = 0.5;
  nn::attach(model, config, "");
  const nn::Tokens tokens = sentences({7, 3});
  const Tensor base = model(tokens);
  model.params.train(1);
  CHECK(differs(model(tokens), base, 2e-6, 0) == "");  // B is 0 yet
  move(model);
  model.params.train(1);
  const Tensor first = model(tokens);
  model.params.train(2);
  CHECK(differs(model(tokens), first) != "");
  model.params.train(1);
  CHECK(same_bits(model(tokens).to_vector(), first.to_vector()));
  model.params.eval();
  CHECK(differs(model(tokens), first) != "");
}

TEST_CASE("adapter: dora drops what the change of the weights reads, not what the weights themselves read") {
  const Tensor W = varied({4, 3}, 1), A = varied({2, 3}, 2), B = varied({4, 2}, 3), b = varied({4}, 4),
               x = varied({5, 3}, 6);
  const Tensor m = Tensor::full({4}, 1.5);
  nn::LowRank low(A, B, m, 2);
  const DropoutMask mask{real(0.5), {1, Stream::dropout, 3, 4}};
  low.mask = [&] { return mask; };
  const Tensor dropped = engine::dropout(x, mask), V = W + matmul(B, A) * 2;
  const Tensor n = engine::sqrt(sum(V * V, 1)), ratio = m / n;
  const Tensor added = linear(linear(dropped, A) * 2, B) * ratio;
  const Tensor want = linear(x, W, b) + linear(dropped, W) * (ratio - Tensor::scalar(1)) + added;
  CHECK(differs(low(x, W, b), want, 1e-6, 1e-5) == "");
  CHECK(differs(dropped, x) != "");
}

TEST_CASE("prefix: attention over the prefix's rows and a sequence's own, by hand, with the share that it leaves") {
  nn::Params params(2);
  nn::MultiHeadAttention attention(params.root(), 6, 2, 0, real(0.5));
  params.initialise();
  const Indices offsets{0, 3, 5};
  const Tensor x = varied({5, 6}, 1), table = varied({2, 24}, 4);
  attention.prefix = {table, 12};  // the second layer's
  const Tensor q = attention.query(x), k = attention.key(x), v = attention.value(x);
  const PrefixByHand want(q, k, v, table, offsets);
  const Ragged layout(offsets, 2);
  CHECK(differs(attention(x, x, layout), want.out) == "");
  nn::AttentionMaps maps;
  Tensor received;
  CHECK(differs(attention(x, x, layout, &maps, &received), want.out) == "");
  REQUIRE(maps.probs.numel() == long(want.left.size()));
  for (size_t i = 0; i < want.left.size(); ++i)
    CHECK(maps.probs.data()[i] == doctest::Approx(want.left[i]).epsilon(1e-4));
  CHECK(differs(received, ragged_received(maps.probs, layout)) == "");
  CHECK(differs(maps.k, k) == "");
  CHECK(error_of([&] { attention(x, x, layout.within(1, 1)); }).find("a prefix is for attention that sees all") !=
        std::string::npos);
}

TEST_SUITE_BEGIN("gradcheck");
TEST_CASE("adapter: gradients of lora, of dora with its lengths held, and of a prefix, by central differences") {
  const Tensor x = varied({4, 5}, 1), W = varied({3, 5}, 2), A = varied({2, 5}, 3), B = varied({3, 2}, 4);
  const Tensor b = varied({3}, 5), m = varied({3}, 6);
  gradcheck("lora", {x, A, B, b}, [&](const auto& in) { return nn::LowRank(in[1], in[2], {}, 2)(in[0], W, in[3]); });
  gradcheck("dora's m and x", {x, m, b}, [&](const auto& in) { return nn::LowRank(A, B, in[1], 2)(in[0], W, in[2]); });
  nn::Params params(2);
  nn::MultiHeadAttention attention(params.root(), 6, 2, 0, real(0.5));
  params.initialise();
  gradcheck("prefix", {varied({4, 6}, 1), varied({2, 12}, 4)}, [&](const auto& in) {
    attention.prefix = {in[1], 0};
    return attention(in[0], in[0], Ragged(Indices{0, 3, 4}, 2));
  });
}
TEST_SUITE_END();

TEST_CASE("adapter: targets by the end of a name, by shell pattern, by regular expression, in given layers only") {
  Drawn model(small_config());
  AdapterConfig c = config_of(AdapterKind::lora);
  const std::string layer = "bert.encoder.layer.";
  c.targets = {"query"};
  CHECK(targets_of(c, model) ==
        std::set<std::string>{layer + "0.attention.self.query", layer + "1.attention.self.query"});
  c.layers = {1};
  CHECK(targets_of(c, model) == std::set<std::string>{layer + "1.attention.self.query"});
  c.layers = {};
  c.targets = {"uery", "*.0.*.dense"};
  CHECK(targets_of(c, model) == std::set<std::string>{layer + "0.attention.output.dense",
                                                      layer + "0.intermediate.dense", layer + "0.output.dense"});
  nn::attach(model, c, "");
  CHECK(model.adapter->targets == std::vector<std::string>{layer + "0.attention.output.dense",
                                                           layer + "0.intermediate.dense", layer + "0.output.dense"});
  c.target_pattern = R"(.*\.1\.attention\.self\.(key|value))";
  CHECK(targets_of(c, model) ==
        std::set<std::string>{layer + "1.attention.self.key", layer + "1.attention.self.value"});
  c.target_pattern = "all-linear";
  CHECK(targets_of(c, model).size() == 12);
  c.target_pattern = "";
  c.targets = {"dense", "classifier"};
  CHECK(targets_of(c, model).size() == 6);  // what is saved as it is gets none: pooler and classifier
  c.rank_pattern = {{"layer.1.attention.self.query", 5}, {"query", 4}};
  c.alpha_pattern = {{"query", 12}};
  CHECK(c.rank_of(layer + "1.attention.self.query") == 5);
  CHECK(c.rank_of(layer + "0.attention.self.query") == 4);
  CHECK(c.rank_of(layer + "0.attention.self.key") == 3);
  CHECK(c.scaling_of(layer + "0.attention.self.query") == 3);
  CHECK(c.scaling_of(layer + "1.attention.self.query") == 12. / 5);  // each by its own pattern
  c.alpha_pattern = {{"^" + layer + "[01].attention.self.query", 20}, {"key|value", 9}};
  CHECK(c.scaling_of(layer + "0.attention.self.query") == 5);
  CHECK(c.scaling_of(layer + "0.attention.self.key") == 3);
  CHECK(c.scaling_of(layer + "0.attention.self.value") == 3);
  CHECK(c.scaling_of(layer + "0.output.dense") == c.alpha / 3);
  c.alpha_pattern = {{R"((query|value)\Z)", 9}};  // to the standard library's expressions a letter Z
  CHECK(error_of([&] { c.scaling_of(layer + "0.output.dense"); }) ==
        R"(adapter: '(.*\.)?((query|value)\Z)': \Z is Python's own; write the expression without it)");
}

TEST_CASE("adapter: what fits nothing or cannot be is refused in one line") {
  const auto refused = [](const AdapterConfig& config, const nn::Config& c) {
    Drawn model(c);
    const std::string error = error_of([&] { nn::attach(model, config, ""); });
    CHECK(error.find('\n') == std::string::npos);
    return error;
  };
  AdapterConfig none = config_of(AdapterKind::lora);
  none.targets = {"q_proj"};
  CHECK(refused(none, small_config())
            .starts_with("adapter: no module fits the targets q_proj; modules end in query, key, value, dense, "));
  none.targets = {"query", "q_proj"};
  Drawn model(small_config());
  CHECK(error_of([&] { nn::check_targets(model, none); }).starts_with("adapter: no module fits the target 'q_proj'"));
  none.target_pattern = "(";
  CHECK(refused(none, small_config()) == "adapter: '(' is no regular expression");
  CHECK(refused(config_of(AdapterKind::prefix), small_config("attention_pool")) ==
        "adapter: 'prefix' is for a BERT; this is a model of type 'attention_pool'");
  nn::Config window = small_config();
  window.attention_window = 2;
  CHECK(refused(config_of(AdapterKind::prefix), window).find("a window of 2") != std::string::npos);
  CHECK(refused(config_of(AdapterKind::prefix, 40), small_config()).find("no room in 40 positions") !=
        std::string::npos);
  nn::attach(model, config_of(AdapterKind::bitfit), "");
  CHECK(error_of([&] { nn::attach(model, config_of(AdapterKind::bitfit), ""); }) ==
        "adapter: the model has one already; merge it first");
}

TEST_CASE("adapter_config.json: what peft writes is read, what would change the result and is not known is refused") {
  const TemporaryDirectory dir;
  const auto read = [&](const std::string& json) { return nn::read_adapter_config(dir.write("c.json", json)); };
  const auto error = [&](const std::string& json) { return error_of([&] { read(json); }).substr(dir.path.size() + 1); };
  const AdapterConfig c = read(R"({"peft_type": "LORA", "task_type": "SEQ_CLS", "lora_alpha": 4.5, "r": 2,
    "peft_version": "0.17.0", "corda_config": null, "use_qalora": false, "layers_to_transform": 1,
    "target_modules": "all-linear", "modules_to_save": null})");
  CHECK(c.rank == 2);
  CHECK(c.alpha == 4.5);
  CHECK(c.layers == std::vector<long>{1});
  CHECK(c.target_pattern == "all-linear");
  CHECK(c.modules_to_save == std::vector<std::string>{"classifier", "score"});
  for (const AdapterConfig& kind : all_kinds()) {
    const std::string json = nn::adapter_config_json(kind);
    CHECK(nn::adapter_config_json(read(json)) == json);
  }
  CHECK(error(R"({"r": 2})") == "c.json: no peft_type: not the configuration of an adapter");
  CHECK(error(R"({"peft_type": "IA3"})") ==
        "c.json: peft_type 'IA3' is not supported; these are: LORA, HOULSBY, PFEIFFER, PREFIX_TUNING, BITFIT");
  CHECK(error(R"({"peft_type": "LORA", "r": 0})") == "c.json: the rank r must be at least 1; got 0");
  CHECK(error(R"({"peft_type": "PREFIX_TUNING", "num_virtual_tokens": -1})") ==
        "c.json: the num_virtual_tokens must be at least 1; got -1");
  CHECK(error(R"({"peft_type": "LORA", "exclude_modules": ["key"]})") ==
        "c.json: 'exclude_modules' is [\"key\"]: what that would change is not known here");
  CHECK(error(R"({"peft_type": "LORA", "init_lora_weights": "pissa"})").find("changes the base model's weights") !=
        std::string::npos);
  CHECK(error(R"({"peft_type": "LORA", "rank_pattern": {"query": 2.5}})") ==
        "c.json: 'rank_pattern': 'query' must be a positive whole number; got 2.5");
  CHECK(error(R"({"peft_type": "LORA", "bias": "some"})") == "c.json: bias must be none, all or lora_only; got some");
  CHECK(error(R"({"peft_type": "LORA", "target_modules": [1]})") ==
        "c.json: 'target_modules' must be a list of names; got [1]");
}

TEST_CASE(
    "adapter files: saved and loaded, every kind is what it was; another base, a missing and a strange key are not") {
  for (const AdapterConfig& config : all_kinds()) {
    const TemporaryDirectory dir;
    Drawn model(small_config());
    nn::attach(model, config, "abcdef0123456789");
    move(model);
    nn::save_adapter(model, dir.path);
    const nn::Tokens tokens = sentences({7, 3});
    const auto loaded = [&](const std::string& fingerprint, const std::string& directory) {
      Drawn again(small_config());
      nn::attach(again, nn::read_adapter_config(dir.path + "/adapter_config.json"), fingerprint);
      nn::load_adapter(again, directory);
      return again(tokens);
    };
    const double rounded = kDouble ? 1e-5 : 0;  // a file holds float32
    CHECK(differs(loaded("abcdef0123456789", dir.path), model(tokens), rounded, 0) == "");
    CHECK(error_of([&] {
            loaded("fedcba9876543210", dir.path);
          }).find("is of another base: it was trained on one with SHA-256 abcdef012345..., this one, ") !=
          std::string::npos);
    const nn::SafeTensors file(dir.path + "/adapter_model.safetensors");
    std::vector<Tensor> half, more;
    for (const auto& [key, entry] : file.entries()) {
      more.push_back(file.read(key));
      if (half.size() < file.entries().size() / 2) half.push_back(file.read(key));
    }
    more.push_back(Tensor::zeros({2}).named("base_model.model.strange.weight"));
    for (const auto& [name, tensors] : {std::pair{"/half", half}, {"/more", more}}) {
      std::filesystem::create_directory(dir.path + name);
      nn::save_safetensors(dir.path + name + "/adapter_model.safetensors", tensors);
    }
    const std::string missing = error_of([&] { loaded("", dir.path + "/half"); });
    CHECK(missing.find(fmt::format("matched {}; missing in the file: {} (", half.size(),
                                   file.entries().size() - half.size())) != std::string::npos);
    CHECK(missing.ends_with("keys that match nothing: none"));
    const std::string strange = error_of([&] { loaded("", dir.path + "/more"); });
    CHECK(strange.ends_with("missing in the file: none; keys that match nothing: 1 (base_model.model.strange.weight)"));
  }
}
