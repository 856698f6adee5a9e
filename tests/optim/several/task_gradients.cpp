// Gradients side by side, where an embedding has written a few rows only: beside the same sums over whole matrices.
#include "optim/several/task_gradients.h"

#include "engine/ops.h"
#include "tests/support/support.h"

using namespace test;

TEST_CASE("task gradients: of an embedding the written rows meet, and what nobody wrote stays unwritten") {
  const long V = 9, C = 3;
  Tensor table = varied({V, C}).require_grad(), w = varied({C, 1}, 2).require_grad();
  const Indices used[] = {{1, 4, 4, 7}, {4, 7, 8}, {0, 2}};  // the third task shares no row with the others
  const auto walk = [&](int task) {
    table.clear_grad();
    w.clear_grad();
    const Tensor y = matmul(embedding(table, used[task]), w);
    Tensor loss = sum(y * varied(y.shape(), real(task + 3)));
    if (task == 2) loss = loss + sum(mul(table, varied({V, C}, 9)));  // writes every row
    backward(loss);
  };
  std::vector<std::vector<double>> whole;  // [3][V * C + C]
  for (int task = 0; task < 3; ++task) {
    walk(task);
    std::vector<double>& row = whole.emplace_back();
    for (const Tensor& t : {table.grad_tensor(), w.grad_tensor()})
      for (long i = 0; i < t.numel(); ++i) row.push_back(t.data()[i]);
  }
  optim::TaskGradients gradients({table, w}, 3);
  for (int task = 0; task < 3; ++task) {
    walk(task);
    gradients.take(task);
    CHECK(!table.has_grad());
  }
  const std::vector<double> gram = gradients.gram();
  for (int a = 0; a < 3; ++a)
    for (int b = 0; b < 3; ++b) {
      double dot = 0;
      for (size_t i = 0; i < whole[a].size(); ++i) dot += whole[a][i] * whole[b][i];
      CHECK(gram[a * 3 + b] == doctest::Approx(dot).epsilon(1e-6));
    }
  const std::vector<double> c{0.5, -2, 3};
  gradients.combine(c);
  for (long i = 0; i < V * C + C; ++i) {
    const double expected = c[0] * whole[0][i] + c[1] * whole[1][i] + c[2] * whole[2][i];
    const double got = i < V * C ? table.grad_data()[i] : w.grad_data()[i - V * C];
    CHECK(got == doctest::Approx(expected).epsilon(1e-5));
  }
  // Two tasks: rows 1, 4, 7, 8 are written, the others are not touched.
  optim::TaskGradients two({table, w}, 2);
  for (int task = 0; task < 2; ++task) {
    walk(task);
    two.take(task);
  }
  two.combine({1, 1});
  REQUIRE(table.grad_rows() != nullptr);
  CHECK(*table.grad_rows() == std::vector<char>{0, 1, 0, 0, 1, 0, 0, 1, 1});
  for (long i = 0; i < V * C; ++i) {
    const double expected = whole[0][i] + whole[1][i];
    CHECK(table.grad_data()[i] == doctest::Approx(expected).epsilon(1e-5));
  }
}
