// The catalogue: every op, one line, with its shapes. The formulas stand above each definition, in engine/ops_*.cpp.
// Dimensions: N rows (tokens), C columns (channels), K classes, B sequences, H heads; ... any leading axes.
#pragma once

#include "engine/graph.h"
#include "engine/ragged.h"
#include "engine/random.h"
#include "engine/tensor.h"

namespace engine {

// ---- elementwise (ops_elementwise.cpp) --------------------------------------------------------------------------
// Two operands of one shape; or one of them a scalar, a row [C] or a column [..., 1], repeated to the other's shape.
Tensor add(const Tensor& a, const Tensor& b);
Tensor sub(const Tensor& a, const Tensor& b);
Tensor mul(const Tensor& a, const Tensor& b);
Tensor div(const Tensor& a, const Tensor& b);
Tensor scale(const Tensor& x, real factor);
Tensor neg(const Tensor& x);
Tensor exp(const Tensor& x);
Tensor log(const Tensor& x);
Tensor sqrt(const Tensor& x);
Tensor xlogx(const Tensor& x);  // x log x, 0 at 0
Tensor pow(const Tensor& x, real exponent);
Tensor tanh(const Tensor& x);
Tensor sigmoid(const Tensor& x);
Tensor relu(const Tensor& x);
Tensor silu(const Tensor& x);
Tensor gelu(const Tensor& x);       // the exact form, with erf: "gelu" in Hugging Face's configurations
Tensor gelu_tanh(const Tensor& x);  // its approximation: "gelu_new"
Tensor dropout(const Tensor& x, const DropoutMask& mask);

inline Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return sub(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return mul(a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return div(a, b); }
inline Tensor operator-(const Tensor& x) { return neg(x); }
inline Tensor operator*(const Tensor& x, real factor) { return scale(x, factor); }

// ---- matrix products (ops_matmul.cpp, ops_linear.cpp) -----------------------------------------------------------
enum class Transpose { none, first, second, both };
Tensor matmul(const Tensor& a, const Tensor& b, Transpose t = Transpose::none);  // [M, K] [K, N] -> [M, N]
Tensor bmm(const Tensor& a, const Tensor& b, Transpose t = Transpose::none);     // [B, M, K] [B, K, N] -> [B, M, N]
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});   // [..., I], [O, I], [O] -> [..., O]
// Several layers over one input, {weight, bias} each, their results side by side: [..., I] -> [..., O1 + O2 + ...]
Tensor linears(const Tensor& x, const std::vector<std::pair<Tensor, Tensor>>& weights_and_biases);
// linear(gelu(linear(x, W1, b1)), W2, b2): [..., C], [F, C], [F], [O, F], [O] -> [..., O]
Tensor feed_forward(const Tensor& x, const Tensor& W1, const Tensor& b1, const Tensor& W2, const Tensor& b2);

// ---- reductions (ops_reduce.cpp) --------------------------------------------------------------------------------
Tensor sum(const Tensor& x);             // [...] -> []
Tensor mean(const Tensor& x);            // [...] -> []
Tensor sum(const Tensor& x, int axis);   // the axis disappears
Tensor mean(const Tensor& x, int axis);  // the axis disappears
Tensor max(const Tensor& x, int axis);   // the axis disappears; the gradient goes to the first largest
Tensor argmax(const Tensor& x);          // [..., C] -> [...]: the column of the first largest, without a gradient

// ---- rows: over the last axis (ops_softmax.cpp, ops_norm.cpp, ops_loss.cpp) -------------------------------------
Tensor softmax(const Tensor& x);
Tensor log_softmax(const Tensor& x);
Tensor layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, real eps);  // [..., C], [C], [C]
Tensor dropout_add_norm(const Tensor& x, const Tensor& residual, const Tensor& gamma, const Tensor& beta, real eps,
                        const DropoutMask& mask = {});  // layer_norm(dropout(x) + residual)

struct CrossEntropyOptions {
  std::vector<real> class_weights{};  // [K] or empty: all 1
  real label_smoothing = 0;           // in [0, 1]
  int ignore_index = -100;            // rows with this target do not count
};
Tensor cross_entropy(const Tensor& logits, const Indices& targets, const CrossEntropyOptions& options = {});  // [N, K]
Tensor symmetric_kl(const Tensor& a, const Tensor& b);  // of the softmax of both: [N, K], [N, K] -> []
Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& targets);  // [...], [...] -> []
Tensor mse(const Tensor& x, const Tensor& target);                                     // [...], [...] -> []

// ---- shapes and rows (ops_shape.cpp, ops_embedding.cpp) ---------------------------------------------------------
Tensor reshape(const Tensor& x, const Shape& shape);        // shares the values
Tensor transpose(const Tensor& x, int a = -2, int b = -1);  // copies
Tensor concat(const std::vector<Tensor>& parts, int axis);
Tensor slice(const Tensor& x, int axis, long begin, long end);
Tensor embedding(const Tensor& weight, const Indices& ids);                   // [V, C], N ids -> [N, C]
Tensor embedding_sum(const std::vector<std::pair<Tensor, Indices>>& tables);  // of several tables, N ids each
Tensor gather_rows(const Tensor& x, const Indices& rows);                     // [N, C] -> [rows, C]
Tensor scatter_rows(const Tensor& x, const Indices& rows, long count);  // [rows, C] -> [count, C], sums on repeats

// ---- attention over packed sequences (ops_attention.cpp, ops_ragged.cpp) ----------------------------------------
// Which key a query sees, and how values of one per head, query and key lie: engine/ragged.h. S of them in a layout.
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const Ragged& layout, real scale,
                 const DropoutMask& mask = {});  // [Nq, C], [Nk, C], [Nk, Cv] -> [Nq, Cv]: the next three in one
Tensor self_attention(const Tensor& qkv, const Ragged& layout, real scale,
                      const DropoutMask& mask = {},  // [N, 3 C] -> [N, C]: q, k and v side by side; on request
                      Tensor* received = nullptr);   // also the attention that each token receives, [N]
Tensor cross_attention(const Tensor& q, const Tensor& kv, const Ragged& layout, real scale,
                       const DropoutMask& mask = {});  // [Nq, C], [Nk, 2 C] -> [Nq, C]: k and v side by side
Tensor attention_scores(const Tensor& q, const Tensor& k, const Ragged& layout, real scale);  // -> [S]
Tensor ragged_softmax(const Tensor& scores, const Ragged& layout);                            // [S] -> [S]
Tensor ragged_log_softmax(const Tensor& scores, const Ragged& layout);                        // [S] -> [S]
Tensor ragged_sparsemax(const Tensor& scores, const Ragged& layout);                          // [S] -> [S]
Tensor ragged_entmax15(const Tensor& scores, const Ragged& layout);                           // [S] -> [S]
Tensor ragged_mean_heads(const Tensor& x, const Ragged& layout);                              // [S] -> [S / H]
Tensor ragged_received(const Tensor& probs, const Ragged& layout);  // [S] -> [Nk], summed over heads and queries
Tensor attention_apply(const Tensor& probs, const Tensor& v, const Ragged& layout);  // [S], [Nk, Cv] -> [Nq, Cv]

// One weight per row and head, rows grouped into sequences by offsets [B + 1] (pooling).
Tensor segment_softmax(const Tensor& scores, const Indices& offsets);                   // [N, H] -> [N, H]
Tensor segment_attend(const Tensor& weights, const Tensor& x, const Indices& offsets);  // [N, H], [N, C] -> [B, H*C]

}  // namespace engine
