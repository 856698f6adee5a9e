// Values that another library computed, a case at a time: tests/golden/README.md says how they lie.
#pragma once

#include <map>

#include "nn/format/safetensors.h"
#include "nn/tokens.h"
#include "tests/support/support.h"

namespace test {

inline Indices offsets_of(const std::vector<int>& lengths) {
  Indices offsets{0};
  for (int n : lengths) offsets.push_back(offsets.back() + n);
  return offsets;
}

// The padded batch of a whole model, ids [B, T] and lengths, as the program has it.
inline nn::Tokens packed_batch(const nn::SafeTensors& file) {
  const std::vector<int> lengths = file.read_ints("lengths"), ids = file.read_ints("ids");
  const int T = int(file.entry("ids").shape[1]);
  nn::Tokens tokens;
  tokens.offsets = offsets_of(lengths);
  for (size_t b = 0; b < lengths.size(); ++b)
    for (int t = 0; t < lengths[b]; ++t) {
      tokens.ids.push_back(ids[b * T + t]);
      tokens.positions.push_back(t);
      tokens.types.push_back(0);
    }
  return tokens;
}

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
  Ragged layout(bool causal) const { return Ragged(offsets_of(ints("lengths")), 4, causal); }

  // Result, then every gradient that the file has.
  void expect(const Tensor& y) {
    const Tensor want = file_.read(name_ + "/y"), got = reshape(y, want.shape());  // a scalar may lie there as [1]
    CHECK_MESSAGE(differs(got, want) == "", name_, "/y ", differs(got, want));
    const Tensor dy = has("dy") ? file_.read(name_ + "/dy") : Tensor::scalar(1);
    backward(sum(mul(reshape(y, {y.numel()}), reshape(dy, {y.numel()}))));
    for (const auto& input : inputs_) {  // no structured binding: clang 14 lets no CHECK see one
      const auto& key = input.first;
      const Tensor& x = input.second;
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

}  // namespace test
