// Every op against PyTorch's values (tests/golden/README.md). Shapes, options and counts come from the file.
#include <functional>
#include <map>
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

Tensor distillation_case(Case& c) {
  return nn::distillation(c.in("student"), c.in("teacher"), real(c.number_after("kd_T")));
}

using Op = std::function<Tensor(Case&)>;

// What computes a case, by its name; nothing, where there is no such op.
Op op_of(const std::string& name) {
  static const std::map<std::string, Op> ops{
      {"softmax", [](Case& c) { return softmax(c.in("x")); }},
      {"log_softmax", [](Case& c) { return log_softmax(c.in("x")); }},
      {"gelu_erf", [](Case& c) { return gelu(c.in("x")); }},
      {"gelu_tanh", [](Case& c) { return gelu_tanh(c.in("x")); }},
      {"tanh", [](Case& c) { return engine::tanh(c.in("x")); }},
      {"sigmoid", [](Case& c) { return sigmoid(c.in("x")); }},
      {"relu", [](Case& c) { return relu(c.in("x")); }},
      {"silu", [](Case& c) { return silu(c.in("x")); }},
      {"layer_norm", [](Case& c) { return layer_norm(c.in("x"), c.in("weight"), c.in("bias"), real(1e-12)); }},
      {"linear", [](Case& c) { return linear(c.in("x"), c.in("weight"), c.in("bias")); }},
      {"matmul", [](Case& c) { return matmul(c.in("a"), c.in("b")); }},
      {"bmm", [](Case& c) { return bmm(c.in("a"), c.in("b")); }},
      {"embedding", [](Case& c) { return embedding(c.in("weight"), c.ints("ids")); }},
      {"mse", [](Case& c) { return mse(c.in("x"), c.in("target")); }},
      {"attention_packed", [](Case& c) { return attention_case(c, false); }},
      {"attention_packed_causal", [](Case& c) { return attention_case(c, true); }},
      {"attention_pool", attention_pool_case}};
  if (name.starts_with("cross_entropy")) return cross_entropy_case;
  if (name.starts_with("kd_T")) return distillation_case;
  const auto found = ops.find(name);
  return found == ops.end() ? Op() : found->second;
}

}  // namespace

TEST_CASE("golden: every op and its gradients agree with PyTorch") {
  const nn::SafeTensors file(golden_path("ops.safetensors"));
  std::set<std::string> names;
  for (const auto& [name, entry] : file.entries()) names.insert(name.substr(0, name.rfind('/')));
  REQUIRE(!names.empty());
  for (const std::string& name : names) {
    Case c(file, name);
    const Op op = op_of(name);
    CHECK_MESSAGE(op, "there is no op for the case ", name);
    if (op) c.expect(op(c));
  }
}
