// Low-rank additions in terms of the engine's ops. Read nn/adapter/lora.h first: the formulas.
#include "nn/adapter/lora.h"

#include <cmath>

#include "engine/parallel.h"

namespace nn {
namespace {

// |V_o| of each row.    [O, I] -> [O]
Tensor row_norms(const Tensor& V) {
  const long O = V.dim(0), I = V.dim(1);
  Tensor norms({O});
  parallel_rows(O, I, [&](long o) {
    double sum = 0;
    for (long i = 0; i < I; ++i) sum += double(V.data()[o * I + i]) * double(V.data()[o * I + i]);
    norms.data()[o] = real(std::sqrt(sum));
  });
  return norms;
}

Tensor magnitude_for(Scope at, long outputs, bool dora) {
  return dora ? at.parameter("lora_magnitude_vector", {outputs}, {Init::constant, 1}) : Tensor();
}

}  // namespace

LowRank::LowRank(Scope at, const Linear& what, long rank, real s, real dropout, bool dora)
    : A((at / "lora_A")
            .parameter("weight", {rank, what.weight.dim(1)}, {Init::uniform, 1 / std::sqrt(real(what.weight.dim(1)))})),
      B((at / "lora_B").parameter("weight", {what.weight.dim(0), rank}, {Init::constant, 0})),
      magnitude(magnitude_for(at, what.weight.dim(0), dora)),
      scaling(s) {
  if (dropout > 0) mask = [d = Dropout(at, dropout)] { return d.mask(); };
}

Tensor LowRank::merged(const Tensor& W) const {
  const NoGrad no_grad;
  const Tensor V = W + matmul(B, A) * scaling;  // [O, I]
  if (!magnitude) return V;
  return V * reshape(magnitude / row_norms(V), {V.dim(0), 1});
}

Tensor LowRank::operator()(const Tensor& x, const Tensor& W, const Tensor& b) const {
  const DropoutMask drop = mask ? mask() : DropoutMask{};
  const Tensor dropped = engine::dropout(x, drop);
  const Tensor added = linear(linear(dropped, A) * scaling, B);  // [..., r] -> [..., O]
  if (!magnitude) return linear(x, W, b) + added;
  const Tensor n = [&] {
    const NoGrad no_grad;
    return row_norms(W + matmul(B, A) * scaling);
  }();
  const Tensor ratio = magnitude / n;  // [O]
  if (drop.active()) return linear(x, W, b) + linear(dropped, W) * (ratio - Tensor::scalar(1)) + added * ratio;
  const Tensor y = (linear(x, W) + added) * ratio;  // [..., O]: the same, from one product less
  return b ? y + b : y;
}

LowRankTable::LowRankTable(Scope at, const Embedding& what, long rank, real s)
    : A(at.parameter("lora_embedding_A", {rank, what.weight.dim(0)}, {Init::constant, 0})),
      B(at.parameter("lora_embedding_B", {what.weight.dim(1), rank},
                     {Init::normal, 1 / std::sqrt(real(what.weight.dim(1)))})),
      scaling(s) {}

Tensor LowRankTable::operator()(const Indices& ids) const {
  return linear(embedding(transpose(A), ids) * scaling, B);  // [N, r] -> [N, C]
}

Tensor LowRankTable::merged(const Tensor& W) const {
  const NoGrad no_grad;
  return W + transpose(matmul(B, A)) * scaling;
}

void LowRank::begin_magnitude_at(const Tensor& W) const {
  const Tensor norms = row_norms(W);
  std::copy_n(norms.data(), norms.numel(), magnitude.data());
}

}  // namespace nn
