// Muon (Jordan et al. 2024): the momentum of a matrix, orthogonalised, is its update; AdamW for everything else.
#pragma once

#include "optim/adamw.h"

namespace optim {

struct MuonOptions {
  double momentum = 0.95;  // Nesterov's
  int iterations = 5;      // of Newton-Schulz
  AdamWOptions adamw;      // of the other parameters; its weight decay is that of the matrices, too
};

// The matrices inside the layers, by name: "...layer.2.output.dense.weight", "...layers.0.fc1.weight". Embeddings,
// heads, biases and LayerNorm are not: their rows are not a basis that could be rotated.
bool inner_matrix(const Tensor& parameter);

// With g the gradient of a matrix [m, n]:
//   M = momentum M + g,   U = orthogonal(momentum M + g),   w = w (1 - lr L) - lr 0.2 sqrt(max(m, n)) U
// The factor gives U's numbers the size that AdamW's updates have, so one rate serves both (Liu et al. 2025, "Muon is
// scalable for LLM training").
class Muon {
 public:
  // Error: parameters, but no matrix inside a layer among them.
  Muon(const std::vector<Tensor>& parameters, MuonOptions options = {});
  void step(double lr, double grad_factor = 1);
  std::vector<Tensor> state() const;  // as AdamW's

 private:
  void step_matrix(size_t i, double lr, double grad_factor);

  std::vector<Tensor> matrices_;
  MuonOptions options_;
  std::vector<double> factors_;
  Moment momentum_;
  AdamW others_;
};

// The nearest matrix with orthonormal rows or columns, about: singular values between 0.7 and 1.2 (Newton-Schulz with a
// quintic whose slope at 0 is 3.4).   x [m, n], row-major, in place
//   X = x / |x|, then `iterations` times A = X X^T,  X = a X + (b A + c A^2) X,  (a, b, c) = (3.4445, -4.7750, 2.0315)
void orthogonalise(real* x, long m, long n, int iterations = 5);

}  // namespace optim
