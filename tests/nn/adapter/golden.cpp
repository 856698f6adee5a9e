// Adapters against peft and `adapters`: layers, whole models, every gradient, merged weights.
#include <set>

#include "nn/adapter/attach.h"
#include "nn/adapter/files.h"
#include "nn/adapter/lora.h"
#include "tests/support/golden.h"

using namespace test;

namespace {

std::set<std::string> cases_of(const nn::SafeTensors& file) {
  std::set<std::string> names;
  for (const auto& [name, entry] : file.entries()) names.insert(name.substr(0, name.find('/')));
  return names;
}

// bert-micro with its batch packed, and an adapter's expected values.
struct Adapted {
  nn::SafeTensors base{golden_path("bert-micro") + "/expected.safetensors"};
  nn::SafeTensors expected;
  nn::Config config = nn::read_config(golden_path("bert-micro") + "/config.json");
  nn::Model model{config, {nn::only_head(config)}, 1};
  nn::Tokens tokens = packed_batch(base);
  Indices targets = base.read_ints("target");

  explicit Adapted(const std::string& file) : expected(file) { nn::load_pretrained(model, golden_path("bert-micro")); }

  void expect_outputs() {
    nn::Trace trace;
    const Tensor logits = model(tokens, &trace);
    CHECK(differs(logits, expected.read("logits")) == "");
    CHECK(differs(model(tokens), expected.read("logits")) == "");
    for (size_t i = 0; i < trace.hidden.size(); ++i)
      CHECK(differs(trace.hidden[i], expected.read(fmt::format("hidden.{}", i))) == "");
  }

  // All gradients of the file, and none beside them.
  void expect_gradients() {
    const Tensor loss = cross_entropy(model(tokens), targets);
    CHECK(loss.item() == doctest::Approx(expected.read("loss").item()).epsilon(1e-5));
    backward(loss);
    std::set<std::string> trained, told;
    for (const Tensor& p : model.params.tensors())
      if (p.has_grad()) trained.insert(p.name());
    for (const auto& [key, entry] : expected.entries()) {
      if (!key.starts_with("grad/")) continue;
      const std::string name = nn::parameter_of_key(key.substr(5));
      told.insert(name);
      const Tensor want = expected.read(key);
      const double scale = largest_magnitude(want.to_vector());
      CHECK_MESSAGE(differs(model.params.find(name).grad_tensor(), want, 2e-4 * scale + 1e-7, 2e-4) == "", name);
    }
    CHECK(trained == told);
  }
};

std::vector<std::string> peft_directories() { return {"lora-micro", "dora-micro", "lora-bias-micro"}; }

// As a program loads it.
struct FromDirectory : Adapted {
  std::string directory;
  explicit FromDirectory(const std::string& name)
      : Adapted(golden_path("adapters/" + name) + "/expected.safetensors"), directory(golden_path("adapters/" + name)) {
    nn::attach(model, nn::read_adapter_config(directory + "/adapter_config.json"), "");
    nn::load_adapter(model, directory);
  }
};

}  // namespace

TEST_CASE("golden: lora, dora and their stabilised forms agree with peft: outputs, gradients, merged weights") {
  const nn::SafeTensors file(golden_path("adapters/layers.safetensors"));
  int seen = 0;
  for (const std::string& name : cases_of(file)) {
    Case c(file, name);
    if (!c.has("lora_A")) continue;
    ++seen;
    const Tensor x = c.in("x"), W = c.in("weight"), b = c.has("bias") ? c.in("bias") : Tensor();
    const nn::LowRank low(c.in("lora_A"), c.in("lora_B"), c.has("magnitude") ? c.in("magnitude") : Tensor(),
                          file.read(name + "/scaling").item());
    const std::vector<int> rank_alpha = c.ints("rank_alpha");
    nn::AdapterConfig config;
    config.rank = rank_alpha[0];
    config.alpha = rank_alpha[1];
    config.stabilised = name.starts_with("rs");
    CHECK(config.scaling_of("") == doctest::Approx(double(low.scaling)));
    CHECK_MESSAGE(differs(low.merged(W), file.read(name + "/merged")) == "", name);
    c.expect(low(x, W, b));
    if (c.has("magnitude_at_start")) {
      const nn::LowRank begun(c.in("lora_A"), c.in("lora_B"), Tensor({W.dim(0)}), low.scaling);
      begun.begin_magnitude_at(W);
      CHECK(differs(begun.magnitude, file.read(name + "/magnitude_at_start")) == "");
    }
  }
  CHECK(seen >= 5);
}

TEST_CASE("golden: bottlenecks agree with the library adapters: outputs and gradients") {
  const nn::SafeTensors file(golden_path("adapters/layers.safetensors"));
  int seen = 0;
  for (const std::string& name : cases_of(file)) {
    Case c(file, name);
    if (!c.has("adapter_up.bias")) continue;
    ++seen;
    nn::Params params(1);
    const long width = file.entry(name + "/adapter_down.0.bias").numel(), C = c.in("x").dim(1);
    const bool swish = name.find("swish") != name.npos;
    const nn::Bottleneck b(params.root() / "adapter_down.0", params.root() / "adapter_up", C, width,
                           swish ? silu : relu, 1);
    params.initialise();
    for (const Tensor& p : params.tensors()) file.read_into(name + "/" + p.name(), p.data());
    const Tensor y = b(c.in("x"));
    c.expect(c.has("residual") ? y + c.in("residual") : y * real(4));
    for (const Tensor& p : params.tensors())
      CHECK_MESSAGE(differs(p.grad_tensor(), file.read(name + "/grad/" + p.name())) == "", name, " ", p.name());
  }
  CHECK(seen >= 2);
}

TEST_CASE("golden: peft's directories over bert-micro: logits, hidden states, loss, gradients of what is trained") {
  for (const std::string& name : peft_directories()) {
    FromDirectory m(name);
    m.expect_outputs();
    m.expect_gradients();
  }
}

TEST_CASE("golden: peft's directories merged: each weight that changes, no other, and the logits") {
  for (const std::string& name : peft_directories()) {
    FromDirectory m(name);
    nn::merge(m.model);
    const nn::SafeTensors before(golden_path("bert-micro") + "/model.safetensors");
    for (const Tensor& p : m.model.params.tensors()) {
      const bool changes = m.expected.has("merged/" + p.name());
      const Tensor want = changes ? m.expected.read("merged/" + p.name()) : before.read(p.name());
      CHECK_MESSAGE(differs(p, want, changes ? 1e-6 : 0, changes ? 1e-5 : 0) == "", p.name());
      CHECK(p.wants_grad());
    }
    CHECK(m.model.params.tensors().size() == before.entries().size());
    CHECK(differs(m.model(m.tokens), m.expected.read("merged_logits")) == "");
  }
}

TEST_CASE("golden: peft's directories saved again hold the same tensors under the same names") {
  const TemporaryDirectory dir;
  for (const std::string& name : peft_directories()) {
    const FromDirectory m(name);
    nn::save_adapter(m.model, dir.path);
    const nn::SafeTensors before(m.directory + "/adapter_model.safetensors");
    const nn::SafeTensors after(dir.path + "/adapter_model.safetensors");
    for (const auto& [key, entry] : before.entries()) {
      if (key.find(".original_module.") != key.npos || key.find(".modules_to_save.") != key.npos) continue;
      REQUIRE_MESSAGE(after.has(key), key);
      CHECK_MESSAGE(after.bytes(key) == before.bytes(key), key);
    }
    for (const auto& [key, entry] : after.entries()) CHECK_MESSAGE(before.has(key), key);
    const nn::AdapterConfig a = nn::read_adapter_config(m.directory + "/adapter_config.json"),
                            b = nn::read_adapter_config(dir.path + "/adapter_config.json");
    CHECK(nn::adapter_config_json(a) == nn::adapter_config_json(b));
    CHECK(nn::read_file(dir.path + "/adapter_config.json").find("\"peft_type\": \"LORA\"") != std::string::npos);
  }
}

TEST_CASE("golden: bottlenecks after Pfeiffer and Houlsby in bert-micro agree with the library adapters") {
  for (const nn::AdapterKind kind : {nn::AdapterKind::pfeiffer, nn::AdapterKind::houlsby}) {
    Adapted m(golden_path(fmt::format("adapters/{}-micro.safetensors", nn::name_of(kind))));
    nn::AdapterConfig config;
    config.kind = kind;
    for (const auto& [key, entry] : m.expected.entries())
      if (key.ends_with("adapter_down.0.bias")) config.rank = entry.numel();
    config.modules_to_save = {"classifier"};
    nn::attach(m.model, config, "");
    size_t taken = 0;
    for (const auto& [key, entry] : m.expected.entries()) {
      if (!key.starts_with("parameter/")) continue;
      m.expected.read_into(key, m.model.params.find(nn::parameter_of_key(key.substr(10))).data());
      ++taken;
    }
    CHECK(taken == m.model.params.own().size());
    m.expect_outputs();
    m.expect_gradients();
  }
}
