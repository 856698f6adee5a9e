// Adapters on an encoder-decoder. Read tests/nn/adapter/attach.cpp first.
#include "nn/adapter/attach.h"
#include "nn/adapter/files.h"
#include "tests/support/nn.h"

using namespace nn;

namespace {

TranslationConfig small_translator() {
  TranslationConfig c =
      test::sized_translation({.vocabulary = 12, .width = 8, .layers = 1, .heads = 2, .inner = 12, .positions = 8});
  c.eos_token_id = 0;
  return c;
}

struct Translating {
  EncoderDecoder model{small_translator(), 3};
  Tokens source{{1, 2, 3, 0, 4, 0}, {0, 1, 2, 3, 0, 1}, {}, {0, 4, 6}},
      input{{11, 5, 6, 11}, {0, 1, 2, 0}, {}, {0, 3, 4}};
  Translating() { model.params.initialise(); }
  std::vector<real> logits() const {
    const NoGrad no_grad;
    return model(source, input).to_vector();
  }
  // Steps that an adapter learns by.
  void move() {
    for (int step = 0; step < 3; ++step) {
      model.params.clear_grads();
      backward(cross_entropy(model(source, input), {5, 6, 0, 7}, {}));
      for (Tensor t : model.params.trainable())
        for (long i = 0; t.has_grad() && i < t.numel(); ++i) t.data()[i] -= real(0.3) * t.grad_data()[i];
    }
  }
};

AdapterConfig low_rank_of(bool dora) {
  AdapterConfig c;
  c.rank = 2, c.alpha = 4, c.dora = dora;
  c.targets = {"q_proj", "v_proj", "fc1"};
  return c;
}

}  // namespace

TEST_CASE("adapter: on a translator it says what was said, learns alone, and merged it says the same") {
  for (const bool dora : {false, true}) {
    Translating f;
    const std::vector<real> before = f.logits();
    const long parameters = f.model.params.count();
    attach(f.model, low_rank_of(dora), "a fingerprint");
    CHECK(test::differs(f.logits().data(), before.data(), long(before.size()), 1e-5, 1e-5) == "");
    CHECK(f.model.params.own().size() == (dora ? 3u : 2u) * (3 * 2 + 2));  // three attentions, two feed-forwards
    const std::vector<real> table = f.model.shared.to_vector();
    f.move();
    CHECK(f.model.shared.to_vector() == table);
    const std::vector<real> learned = f.logits();
    CHECK(test::differs(learned.data(), before.data(), long(before.size()), 1e-3, 1e-3) != "");
    merge(f.model);
    CHECK(f.model.params.count() == parameters);
    CHECK(test::differs(f.logits().data(), learned.data(), long(before.size()), 1e-5, 1e-4) == "");
  }
}

TEST_CASE("adapter: a translator's biases alone; the kinds that it does not take are named") {
  Translating f;
  AdapterConfig biases;
  biases.kind = AdapterKind::bitfit, biases.bias = "all";
  attach(f.model, biases, "");
  for (const Tensor& t : f.model.params.own()) CHECK_MESSAGE(t.name().ends_with(".bias"), t.name());
  CHECK(f.model.params.own().size() == 3 * 4 + 2 * 2 + 5);  // projections, feed-forwards, norms
  const std::vector<real> before = f.logits();
  f.move();
  CHECK(f.logits() != before);
  AdapterConfig prefix;
  prefix.kind = AdapterKind::prefix;
  Translating other;
  CHECK(test::error_of([&] { attach(other.model, prefix, ""); }) ==
        "adapter: 'prefix' is for a BERT; a translator takes lora and bitfit");
  CHECK(test::error_of([&] { attach(f.model, biases, ""); }) == "adapter: the model has one already; merge it first");
}

TEST_CASE("adapter: a translator's directory is read back bit for bit, under peft's names, over its own base alone") {
  Translating f;
  attach(f.model, low_rank_of(false), "one");
  f.move();
  const test::TemporaryDirectory dir;
  save_adapter(f.model, dir.path);
  CHECK(SafeTensors(dir.path + "/adapter_model.safetensors")
            .has("base_model.model.model.encoder.layers.0.self_attn.v_proj.lora_B.weight"));
  const auto read = [&](const std::string& fingerprint) {
    Translating g;
    attach(g.model, read_adapter_config(dir.path + "/adapter_config.json"), fingerprint);
    load_adapter(g.model, dir.path);
    return g.logits();
  };
  const std::vector<real> back = read("one"), own = f.logits();
  const double rounding = sizeof(real) == 8 ? 1e-5 : 0;  // a file holds float32
  CHECK(test::differs(back.data(), own.data(), long(own.size()), rounding, rounding) == "");
  CHECK(test::error_of([&] { read("two"); }).find("is of another base") != std::string::npos);
}
