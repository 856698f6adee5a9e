// A whole classifier against PyTorch: forward, every hidden state and map, every gradient, eight AdamW steps.

#include "nn/format/json_value.h"
#include "nn/format/pretrained.h"
#include "optim/adamw.h"
#include "optim/clip.h"
#include "optim/schedule.h"
#include "tests/support/golden.h"

using namespace test;

namespace {

// The files of tests/golden/bert-micro, and the packed form of their padded batch.
struct Micro {
  std::string folder = golden_path("bert-micro");
  nn::SafeTensors expected{folder + "/expected.safetensors"};
  nn::Config config = nn::read_config(folder + "/config.json");
  nn::Model model{config, {nn::only_head(config)}, 1};
  nn::Tokens tokens = packed_batch(expected);
  Indices targets = expected.read_ints("target");

  Micro() { nn::load_pretrained(model, folder); }
};

}  // namespace

TEST_CASE("golden: bert-micro's logits, hidden states, attention maps and loss agree with PyTorch") {
  Micro m;
  nn::Trace trace;
  const Tensor logits = m.model(m.tokens, &trace);
  CHECK(differs(logits, m.expected.read("logits")) == "");
  CHECK(differs(m.model(m.tokens), m.expected.read("logits")) == "");
  CHECK(cross_entropy(logits, m.targets).item() == doctest::Approx(m.expected.read("loss").item()).epsilon(1e-5));
  for (size_t i = 0; i < trace.hidden.size(); ++i)
    CHECK(differs(trace.hidden[i], m.expected.read(fmt::format("hidden.{}", i))) == "");
  const Ragged layout(m.tokens.offsets, m.config.num_attention_heads);
  for (size_t i = 0; i < trace.attention.size(); ++i)
    for (long b = 0; b < layout.sequences(); ++b) {
      const Tensor map = m.expected.read(fmt::format("attention.{}.{}", i, b));
      CHECK(differs(trace.attention[i].probs.data() + layout.block(b, 0), map.data(), map.numel(), 1e-5, 1.3e-4) == "");
    }
}

TEST_CASE("golden: every gradient of bert-micro agrees with PyTorch") {
  for (const bool open_form : {false, true}) {
    Micro m;
    nn::Trace trace;
    backward(cross_entropy(m.model(m.tokens, open_form ? &trace : nullptr), m.targets));
    for (const Tensor& p : m.model.params.tensors()) {
      REQUIRE_MESSAGE(m.expected.has("grad/" + p.name()), p.name());
      const Tensor want = m.expected.read("grad/" + p.name());
      double scale = 0;
      for (real g : want.to_vector()) scale = std::max(scale, std::abs(double(g)));
      CHECK_MESSAGE(differs(p.grad_tensor(), want, 2e-4 * scale + 1e-7, 2e-4) == "", p.name());
    }
  }
}

TEST_CASE("golden: eight AdamW steps of bert-micro take PyTorch's course, loss by loss and weight by weight") {
  Micro m;
  const auto trajectory = nn::json::parse(nn::read_file(m.folder + "/trajectory.json"));
  optim::AdamW optimizer(m.model.params.tensors());
  const auto& steps = trajectory["steps"];
  for (const auto& step : steps) {
    const Tensor loss = cross_entropy(m.model(m.tokens), m.targets);
    backward(loss);
    const double norm = optim::grad_norm(m.model.params.tensors());
    const double factor =
        optim::clip_factor(m.model.params.tensors(), norm, trajectory["clip_grad_norm"].get<double>());
    CHECK(loss.item() == doctest::Approx(step["loss"].get<double>()).epsilon(2e-4));
    CHECK(norm == doctest::Approx(step["grad_norm"].get<double>()).epsilon(2e-4));
    optimizer.step(step["lr"].get<double>(), factor);
    m.model.params.clear_grads();
  }
  const nn::SafeTensors after(m.folder + "/after.safetensors");
  for (const Tensor& p : m.model.params.tensors()) {
    // A key's bias shifts all scores of a query alike, so its true gradient is 0; what arrives is rounding, and Adam
    // makes steps of full size of it, in PyTorch as here. They are only bounded.
    const bool noise = p.name().ends_with("attention.self.key.bias");
    CHECK_MESSAGE(differs(p, after.read(p.name()), noise ? 2 * 3.5e-3 : 2e-4, 2e-4) == "", p.name());
  }
}
