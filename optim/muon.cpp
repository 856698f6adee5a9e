// Muon: one task a matrix, each on one thread. Read optim/adamw.cpp first.
#include "optim/muon.h"

#include <cmath>

#include "engine/blas.h"

namespace optim {
namespace {

std::vector<Tensor> those(const std::vector<Tensor>& parameters, bool inner) {
  std::vector<Tensor> chosen;
  for (const Tensor& p : parameters)
    if (inner_matrix(p) == inner) chosen.push_back(p);
  return chosen;
}

}  // namespace

bool inner_matrix(const Tensor& parameter) {
  const std::string name = "." + parameter.name();
  const auto is_inside = [&](const char* layers) { return name.find(layers) != std::string::npos; };
  return parameter.shape().rank() == 2 && (is_inside(".layer.") || is_inside(".layers."));
}

// Of a tall matrix X^T X is the small product, and it goes to the right: the same, transposed.
void orthogonalise(real* x, long m, long n, int iterations) {
  constexpr real a = real(3.4445), b = real(-4.7750), c = real(2.0315);
  double squares = 0;
  for (long i = 0; i < m * n; ++i) squares += double(x[i]) * double(x[i]);
  const real scale = real(1 / (std::sqrt(squares) + 1e-7));
  for (long i = 0; i < m * n; ++i) x[i] *= scale;
  const bool tall = m > n;
  const long s = std::min(m, n);
  std::vector<real> A(s * s), B(s * s), y(m * n);
  for (int i = 0; i < iterations; ++i) {
    if (tall)
      gemm_serial(s, s, m, 1, {x, n, true}, {x, n}, 0, A.data(), s);
    else
      gemm_serial(s, s, n, 1, {x, n}, {x, n, true}, 0, A.data(), s);
    for (long j = 0; j < s * s; ++j) B[j] = b * A[j];
    gemm_serial(s, s, s, c, {A.data(), s}, {A.data(), s}, 1, B.data(), s);
    for (long j = 0; j < s; ++j) B[j * s + j] += a;
    if (tall)
      gemm_serial(m, n, n, 1, {x, n}, {B.data(), s}, 0, y.data(), n);
    else
      gemm_serial(m, n, m, 1, {B.data(), s}, {x, n}, 0, y.data(), n);
    std::copy(y.begin(), y.end(), x);
  }
}

Muon::Muon(const std::vector<Tensor>& parameters, MuonOptions options)
    : matrices_(those(parameters, true)),
      options_(std::move(options)),
      factors_(rate_factors(matrices_, options_.adamw.rates)),
      momentum_(matrices_),
      others_(those(parameters, false), options_.adamw) {
  check(options_.momentum >= 0 && options_.momentum < 1, "Muon: the momentum must be in [0, 1); got {}",
        options_.momentum);
  check(parameters.empty() || !matrices_.empty(),
        "Muon: none of the {} tensors that train is a matrix inside a layer: AdamW is for those", parameters.size());
  check(options_.iterations >= 1, "Muon: at least one iteration is needed; got {}", options_.iterations);
}

void Muon::step_matrix(size_t i, double lr, double grad_factor) {
  const Tensor& w = matrices_[i];
  if (!w.has_grad()) return;
  const long m = w.dim(0), n = w.dim(1);
  const real *g = w.grad_data(), momentum = real(options_.momentum), factor = real(grad_factor);
  real* M = momentum_.of(i);
  std::vector<real> update(m * n);
  for (long j = 0; j < m * n; ++j) {
    M[j] = momentum * M[j] + factor * g[j];
    update[j] = momentum * M[j] + factor * g[j];
  }
  orthogonalise(update.data(), m, n, options_.iterations);
  const real decay = real(1 - lr * options_.adamw.weight_decay);
  const real step = real(lr * 0.2 * std::sqrt(double(std::max(m, n))));
  real* values = w.data();
  for (long j = 0; j < m * n; ++j) values[j] = values[j] * decay - step * update[j];
}

void Muon::step(double lr, double grad_factor) {
  parallel_tasks(long(matrices_.size()), [&](long i) { step_matrix(size_t(i), lr * factors_[i], grad_factor); });
  profile_end("Muon", Pass::other);
  others_.step(lr, grad_factor);
}

std::vector<Tensor> Muon::state() const {
  std::vector<Tensor> state = others_.state();
  for (size_t i = 0; i < matrices_.size(); ++i)
    state.push_back(momentum_.tensor(i, matrices_[i]).named("momentum." + matrices_[i].name()));
  return state;
}

}  // namespace optim
