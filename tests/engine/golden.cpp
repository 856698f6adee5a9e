// Every op against PyTorch's values (tests/golden/README.md). Shapes, options and counts come from the file.
#include <set>

#include "nn/attention.h"
#include "nn/format/safetensors.h"
#include "nn/loss/distil.h"
#include "tests/support/golden.h"

using namespace test;

namespace {

Tensor cross_entropy_case(Case& c) {
  CrossEntropyOptions options;
  if (c.has("class_weight")) options.class_weights = c.in("class_weight").to_vector();
  if (c.name().starts_with("cross_entropy_smooth_"))
    options.label_smoothing = real(c.number_after("cross_entropy_smooth_"));
  return cross_entropy(c.in("x"), c.ints("target"), options);
}

Tensor attention_case(Case& c, bool causal) {
  const Tensor q = c.in("q");
  return attention(q, c.in("k"), c.in("v"), c.layout(causal), 1 / std::sqrt(real(q.dim(1) / 4)));
}

Tensor attention_pool_case(Case& c) {
  const Tensor x = c.in("x"), q = c.in("q");
  const Tensor scores = matmul(x, reshape(q, {1, q.numel()}), Transpose::second) * (1 / std::sqrt(real(q.numel())));
  const Indices offsets{0, int(x.dim(0))};
  return segment_attend(segment_softmax(scores, offsets), x, offsets);
}

bool compute(Case& c, Tensor& y) {
  const std::string& n = c.name();
  if (n == "softmax")
    y = softmax(c.in("x"));
  else if (n == "log_softmax")
    y = log_softmax(c.in("x"));
  else if (n == "gelu_erf")
    y = gelu(c.in("x"));
  else if (n == "gelu_tanh")
    y = gelu_tanh(c.in("x"));
  else if (n == "tanh")
    y = engine::tanh(c.in("x"));
  else if (n == "sigmoid")
    y = sigmoid(c.in("x"));
  else if (n == "relu")
    y = relu(c.in("x"));
  else if (n == "silu")
    y = silu(c.in("x"));
  else if (n == "layer_norm")
    y = layer_norm(c.in("x"), c.in("weight"), c.in("bias"), real(1e-12));
  else if (n == "linear")
    y = linear(c.in("x"), c.in("weight"), c.in("bias"));
  else if (n == "matmul")
    y = matmul(c.in("a"), c.in("b"));
  else if (n == "bmm")
    y = bmm(c.in("a"), c.in("b"));
  else if (n == "embedding")
    y = embedding(c.in("weight"), c.ints("ids"));
  else if (n == "mse")
    y = mse(c.in("x"), c.in("target"));
  else if (n.starts_with("cross_entropy"))
    y = cross_entropy_case(c);
  else if (n.starts_with("kd_T"))
    y = nn::distillation(c.in("student"), c.in("teacher"), real(c.number_after("kd_T")));
  else if (n == "attention_packed")
    y = attention_case(c, false);
  else if (n == "attention_packed_causal")
    y = attention_case(c, true);
  else if (n == "attention_pool")
    y = attention_pool_case(c);
  else
    return false;
  return true;
}

}  // namespace

TEST_CASE("golden: every op and its gradients agree with PyTorch") {
  const nn::SafeTensors file(golden_path("ops.safetensors"));
  std::set<std::string> names;
  for (const auto& [name, entry] : file.entries()) names.insert(name.substr(0, name.rfind('/')));
  REQUIRE(!names.empty());
  for (const std::string& name : names) {
    Case c(file, name);
    Tensor y;
    const bool known = compute(c, y);
    CHECK_MESSAGE(known, "there is no op for the case ", name);
    if (known) c.expect(y);
  }
}
