// Packed weights: y = x W^T + b for inference, the weights laid out once in panels that a micro-kernel reads from the
// first number to the last; as they are, or as int8. A row of y is the same alone and in any batch, at any number of
// threads and with any instruction set: each number is one chain of fused multiply-adds, or an exact sum of integers.
#pragma once

#include <cstdint>

#include "engine/ops.h"

namespace engine {

// What the kernels are written for. AVX-512 is used where it comes with VNNI; AMX is for int8, float32 is AVX-512's.
enum class Instructions { portable, avx2, avx512, amx };
std::vector<Instructions> instructions_here();  // those of this processor, the best last

// Rows of numbers as int8, each row with a scale of its own: x[r, i] ~ scales[r] values[r, i].
struct ByteRows {
  long rows = 0, columns = 0;
  std::vector<int8_t> values;  // [rows, columns], in [-127, 127]
  std::vector<real> scales;    // [rows]
};
// [rows, columns]: the formula stands in engine/packed.cpp. A row with a NaN or an infinity has the scale NaN.
ByteRows byte_rows(const Tensor& x);

// One layer's weights and bias as they were when it was made; shared by threads that only read.
class PackedLinear {
 public:
  // weight [O, I], bias [O] or none
  explicit PackedLinear(const Tensor& weight, const Tensor& bias = {},
                        Instructions instructions = instructions_here().back());
  explicit PackedLinear(const ByteRows& weight, const Tensor& bias = {},
                        Instructions instructions = instructions_here().back());

  long inputs() const { return I_; }
  long outputs() const { return O_; }
  bool bytes() const { return bool(scales_); }

 private:
  friend class PackedProduct;
  void take_bias(const Tensor& bias);

  long O_, I_;
  Instructions instructions_;
  Buffer panels_;               // of float32 [O / 16, I, 16], of int8 [O / 16, I / 4, 16, 4], rounded up with zeros
  Buffer bias_, scales_;        // [O / 16 * 16]; scales of int8 alone
  std::vector<int32_t> start_;  // of int8: -128 sum_i w[i, j]
};

// No result has a gradient.
Tensor linear(const Tensor& x, const PackedLinear& layer);  // [..., I] -> [..., O]
// Several over one input, all of one kind, their results side by side.     [..., I] -> [..., O1 + O2 + ...]
Tensor packed_linears(const Tensor& x, const std::vector<const PackedLinear*>& layers);
// linear(gelu(linear(x, grow)), shrink)                   [..., C] -> [..., F] -> [..., O]
Tensor feed_forward(const Tensor& x, const PackedLinear& grow, const PackedLinear& shrink);

}  // namespace engine
