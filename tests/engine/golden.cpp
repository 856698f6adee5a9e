// Every op against PyTorch's values (tests/golden/README.md). Shapes, options and counts come from the file.
#include <set>

#include "nn/attention.h"
#include "nn/losses.h"
#include "nn/safetensors.h"
#include "tests/support.h"

using namespace test;

namespace {

// One case of the file: CASE/x, CASE/dx, ...
class Case {
 public:
  Case(const nn::SafeTensors& file, std::string name) : file_(file), name_(std::move(name)) {}
  Tensor in(const std::string& key) {
    if (!inputs_.count(key)) inputs_[key] = file_.read(name_ + "/" + key).require_grad();
    return inputs_[key];
  }
  std::vector<int> ints(const std::string& key) const { return file_.read_ints(name_ + "/" + key); }
  bool has(const std::string& key) const { return file_.has(name_ + "/" + key); }
  const std::string& name() const { return name_; }
  double number_after(const std::string& prefix) const { return std::stod(name_.substr(prefix.size())); }
  Ragged layout(bool causal) {
    Indices offsets{0};
    for (int n : ints("lengths")) offsets.push_back(offsets.back() + n);
    return Ragged(offsets, 4, causal);
  }

  // Result, then every gradient that the file has.
  void expect(const Tensor& y) {
    CHECK_MESSAGE(differs(y, file_.read(name_ + "/y")) == "", name_, "/y ", differs(y, file_.read(name_ + "/y")));
    const Tensor dy = has("dy") ? file_.read(name_ + "/dy") : Tensor::scalar(1);
    backward(sum(mul(reshape(y, {y.numel()}), reshape(dy, {y.numel()}))));
    for (const auto& [key, x] : inputs_) {
      if (!has("d" + key)) continue;
      const Tensor dx = file_.read(name_ + "/d" + key);
      CHECK_MESSAGE(differs(x.grad_tensor(), dx) == "", name_, "/d", key, " ", differs(x.grad_tensor(), dx));
    }
  }

 private:
  const nn::SafeTensors& file_;
  std::string name_;
  std::map<std::string, Tensor> inputs_;
};

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
