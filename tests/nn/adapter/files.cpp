// What an adapter directory is told by: its keys, and the fingerprint of its base.
#include "nn/adapter/files.h"

#include <cmath>

#include "tests/support/nn.h"

using namespace test;

TEST_CASE("adapter files: keys are understood whoever wrote them") {
  const std::string query = "bert.encoder.layer.0.attention.self.query.";
  for (const std::string& key : {"base_model.model." + query + "lora_A.weight", query + "lora_A.default.weight",
                                 "base_model.model." + query + "lora_A.default.weight"})
    CHECK(nn::parameter_of_key(key) == query + "lora_A.weight");
  CHECK(nn::parameter_of_key("base_model.model." + query + "base_layer.bias") == query + "bias");
  CHECK(nn::parameter_of_key("base_model.model." + query + "lora_magnitude_vector.weight") ==
        query + "lora_magnitude_vector");
  CHECK(nn::parameter_of_key("base_model.classifier.bias") == "classifier.bias");
  CHECK(nn::parameter_of_key("bert.encoder.layer.0.output.adapters.mine.adapter_up.bias") ==
        "bert.encoder.layer.0.output.adapters.default.adapter_up.bias");
}

TEST_CASE("adapter files: a base's fingerprint changes with any bit of any tensor, not with their order") {
  const TemporaryDirectory dir;
  const auto print = [&](std::vector<Tensor> tensors) {
    nn::save_safetensors(dir.path + "/x", tensors);
    return nn::fingerprint_of(nn::SafeTensors(dir.path + "/x"));
  };
  const Tensor a = varied({2, 3}, 1).named("a"), b = varied({4}, 2).named("b");
  const std::string before = print({a, b});
  CHECK(before == print({b, a}));
  Tensor c = a.clone().named("a");
  c.data()[5] = std::nextafter(float(c.data()[5]), 9.f);
  CHECK(before != print({c, b}));
  CHECK(before != print({reshape(a, {3, 2}).detach().named("a"), b}));
}
