// Muon beside a plain reference in double precision, and what Newton-Schulz makes of singular values.
#include "optim/muon.h"

#include <cmath>

#include "tests/support/support.h"

using namespace test;

namespace {

using Matrix = std::vector<std::vector<double>>;

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix c(a.size(), std::vector<double>(b[0].size(), 0));
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t k = 0; k < b.size(); ++k)
      for (size_t j = 0; j < b[0].size(); ++j) c[i][j] += a[i][k] * b[k][j];
  return c;
}

Matrix transposed(const Matrix& a) {
  Matrix t(a[0].size(), std::vector<double>(a.size()));
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t j = 0; j < a[0].size(); ++j) t[j][i] = a[i][j];
  return t;
}

// As Jordan's zeropower_via_newtonschulz5 has it, in full.
Matrix newton_schulz(Matrix x) {
  double squares = 0;
  for (const auto& row : x)
    for (const double v : row) squares += v * v;
  for (auto& row : x)
    for (double& v : row) v /= std::sqrt(squares) + 1e-7;
  const bool tall = x.size() > x[0].size();
  if (tall) x = transposed(x);
  for (int i = 0; i < 5; ++i) {
    const Matrix A = product(x, transposed(x)), A2 = product(A, A);
    Matrix B = A;
    for (size_t r = 0; r < B.size(); ++r)
      for (size_t c = 0; c < B.size(); ++c) B[r][c] = -4.7750 * A[r][c] + 2.0315 * A2[r][c];
    const Matrix Bx = product(B, x);
    for (size_t r = 0; r < x.size(); ++r)
      for (size_t c = 0; c < x[0].size(); ++c) x[r][c] = 3.4445 * x[r][c] + Bx[r][c];
  }
  return tall ? transposed(x) : x;
}

Matrix matrix_of(const Tensor& t) {
  Matrix m(t.dim(0), std::vector<double>(t.dim(1)));
  for (long i = 0; i < t.numel(); ++i) m[i / t.dim(1)][i % t.dim(1)] = double(t.data()[i]);
  return m;
}

// The largest difference of entries.
double distance(const Matrix& a, const Tensor& b) {
  double most = 0;
  for (long i = 0; i < b.numel(); ++i) {
    const double apart = std::abs(a[i / b.dim(1)][i % b.dim(1)] - double(b.data()[i]));
    most = std::isnan(apart) ? INFINITY : std::max(most, apart);
  }
  return most;
}

// Muon's formula for one matrix, with a weight decay of 0.1.
struct MuonByHand {
  Matrix w, momentum = Matrix(w.size(), std::vector<double>(w[0].size(), 0));

  void step(const Matrix& g, double lr, double clip) {
    Matrix update = g;
    for (size_t i = 0; i < w.size(); ++i)
      for (size_t j = 0; j < w[0].size(); ++j) {
        double& m = momentum[i][j];
        m = 0.9 * m + clip * g[i][j];
        update[i][j] = 0.9 * m + clip * g[i][j];
      }
    const Matrix u = newton_schulz(update);
    const double scale = 0.2 * std::sqrt(double(std::max(w.size(), w[0].size())));
    for (size_t i = 0; i < w.size(); ++i)
      for (size_t j = 0; j < w[0].size(); ++j) w[i][j] = w[i][j] * (1 - lr * 0.1) - lr * scale * u[i][j];
  }
};

}  // namespace

TEST_CASE("muon: wide, square and tall matrices are made nearly orthogonal, as the reference in double has it") {
  for (const Shape& shape : {Shape{4, 9}, Shape{7, 7}, Shape{12, 5}, Shape{1, 6}}) {
    const Tensor x = varied(shape, 3);
    Tensor u = x.clone();
    optim::orthogonalise(u.data(), u.dim(0), u.dim(1));
    CHECK(distance(newton_schulz(matrix_of(x)), u) < 1e-4);
    const Matrix m = matrix_of(u);
    const Matrix gram = u.dim(0) <= u.dim(1) ? product(m, transposed(m)) : product(transposed(m), m);
    for (size_t i = 0; i < gram.size(); ++i) {
      CHECK(gram[i][i] > 0.45);  // singular values of 0.7 to 1.2
      CHECK(gram[i][i] < 1.5);
    }
  }
}

TEST_CASE("muon: three steps on a layer's matrix are those of the formula; embeddings and biases take AdamW's") {
  Tensor w = varied({3, 5}, 1).named("bert.encoder.layer.0.output.dense.weight").require_grad();
  Tensor bias = varied({5}, 2).named("bert.encoder.layer.0.output.dense.bias").require_grad();
  Tensor table = varied({4, 3}, 4).named("bert.embeddings.word_embeddings.weight").require_grad();
  Tensor bias_twin = bias.clone().named(bias.name()).require_grad();
  Tensor table_twin = table.clone().named(table.name()).require_grad();
  CHECK(optim::inner_matrix(w));
  CHECK(!optim::inner_matrix(bias));
  CHECK(!optim::inner_matrix(table));
  const optim::AdamWOptions adamw{.beta2 = 0.98, .weight_decay = 0.1};
  optim::Muon muon({w, bias, table}, {.momentum = 0.9, .adamw = adamw});
  optim::AdamW twin({bias_twin, table_twin}, adamw);
  MuonByHand expected{matrix_of(w)};
  for (int step = 0; step < 3; ++step) {
    const Tensor x = varied({6, 3}, real(5 + step));
    const auto loss = [&](const Tensor& b, const Tensor& t) {
      return sum(matmul(x, w) * varied({6, 5}, 7)) + sum(b * b) + sum(t * t * t);
    };
    backward(loss(bias, table));
    expected.step(matrix_of(w.grad_tensor()), 0.02, 0.5);
    muon.step(0.02, 0.5);
    w.clear_grad();
    bias.clear_grad();
    table.clear_grad();
    backward(loss(bias_twin, table_twin));
    twin.step(0.02, 0.5);
    w.clear_grad();
    bias_twin.clear_grad();
    table_twin.clear_grad();
    CHECK(distance(expected.w, w) < 1e-5);
  }
  CHECK(same_bits(bias.to_vector(), bias_twin.to_vector()));
  CHECK(same_bits(table.to_vector(), table_twin.to_vector()));
}

TEST_CASE("muon: a layer's matrices are found under the names of every architecture; a model without any is refused") {
  const auto named = [](const char* name) { return varied({3, 4}, 1).named(name).require_grad(); };
  for (const char* name : {"vit.encoder.layer.11.attention.attention.query.weight", "model.decoder.layers.0.fc1.weight",
                           "text_model.encoder.layers.3.self_attn.q_proj.weight", "history.layers.0.attention.query"})
    CHECK_MESSAGE(optim::inner_matrix(named(name)), name);
  for (const char* name : {"model.shared.weight", "classifier.weight", "visual_projection.weight", "player.weight"})
    CHECK_MESSAGE(!optim::inner_matrix(named(name)), name);
  CHECK_THROWS_WITH(optim::Muon({named("classifier.weight"), named("item.weight")}),
                    "Muon: none of the 2 tensors that train is a matrix inside a layer: AdamW is for those");
}

TEST_CASE("muon: its state, copied, continues to the same bits; a matrix without a gradient stays as it is") {
  const auto parameter = [](real seed, const char* name) { return varied({4, 6}, seed).named(name).require_grad(); };
  const std::vector<Tensor> a{parameter(1, "layer.0.weight"), parameter(2, "layer.1.weight")};
  const std::vector<Tensor> b{a[0].clone().named(a[0].name()).require_grad(),
                              a[1].clone().named(a[1].name()).require_grad()};
  optim::Muon first(a), second(b);
  const auto step = [](const std::vector<Tensor>& p, optim::Muon& muon, real seed) {
    backward(sum(p[0] * varied({4, 6}, seed)));
    muon.step(0.01);
    p[0].clear_grad();
  };
  step(a, first, 3);
  const std::vector<Tensor> from = first.state(), to = second.state();
  REQUIRE(from.size() == to.size());
  for (size_t i = 0; i < from.size(); ++i) std::copy_n(from[i].data(), from[i].numel(), to[i].data());
  std::copy_n(a[0].data(), a[0].numel(), b[0].data());
  step(a, first, 4);
  step(b, second, 4);
  CHECK(same_bits(a[0].to_vector(), b[0].to_vector()));
  CHECK(same_bits(a[1].to_vector(), varied({4, 6}, 2).to_vector()));
}
