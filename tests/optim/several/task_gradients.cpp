// Gradients side by side, where an embedding has written a few rows only: beside the same sums over whole matrices.
#include "optim/several/task_gradients.h"

#include "engine/ops.h"
#include "tests/support/support.h"

using namespace test;

namespace {

// Three tasks over one embedding; the third one reads rows that no other reads, and its penalty writes every row.
struct EmbeddedTasks {
  static constexpr long V = 9, C = 3;
  Tensor table = varied({V, C}).require_grad(), w = varied({C, 1}, 2).require_grad();
  const Indices used[3] = {{1, 4, 4, 7}, {4, 7, 8}, {0, 2}};

  void walk(int task) {
    table.clear_grad();
    w.clear_grad();
    const Tensor y = matmul(embedding(table, used[task]), w);
    Tensor loss = sum(y * varied(y.shape(), real(task + 3)));
    if (task == 2) loss = loss + sum(mul(table, varied({V, C}, 9)));
    backward(loss);
  }
  // Every entry of both gradients of each task.    [3][V * C + C]
  std::vector<std::vector<double>> whole() {
    std::vector<std::vector<double>> rows;
    for (int task = 0; task < 3; ++task) {
      walk(task);
      std::vector<double>& row = rows.emplace_back();
      for (const Tensor& t : {table.grad_tensor(), w.grad_tensor()})
        for (long i = 0; i < t.numel(); ++i) row.push_back(t.data()[i]);
    }
    return rows;
  }
  // Of the first `tasks` of them.
  optim::TaskGradients taken(int tasks) {
    optim::TaskGradients gradients({table, w}, tasks);
    for (int task = 0; task < tasks; ++task) {
      walk(task);
      gradients.take(task);
      CHECK(!table.has_grad());
    }
    return gradients;
  }
};

}  // namespace

TEST_CASE("task gradients: products and sums of what an embedding has written are those of whole matrices") {
  EmbeddedTasks tasks;
  const std::vector<std::vector<double>> whole = tasks.whole();
  optim::TaskGradients gradients = tasks.taken(3);
  const std::vector<double> gram = gradients.gram();
  for (int a = 0; a < 3; ++a)
    for (int b = 0; b < 3; ++b) {
      double dot = 0;
      for (size_t i = 0; i < whole[a].size(); ++i) dot += whole[a][i] * whole[b][i];
      CHECK(gram[a * 3 + b] == doctest::Approx(dot).epsilon(1e-6));
    }
  const std::vector<double> c{0.5, -2, 3};
  gradients.combine(c);
  const long entries = tasks.table.numel();
  for (long i = 0; i < entries + tasks.w.numel(); ++i) {
    const double expected = c[0] * whole[0][i] + c[1] * whole[1][i] + c[2] * whole[2][i];
    const double got = i < entries ? tasks.table.grad_data()[i] : tasks.w.grad_data()[i - entries];
    CHECK(got == doctest::Approx(expected).epsilon(1e-5));
  }
}

TEST_CASE("task gradients: a row of an embedding that no task wrote stays unwritten") {
  EmbeddedTasks tasks;
  const std::vector<std::vector<double>> whole = tasks.whole();
  tasks.taken(2).combine({1, 1});
  REQUIRE(tasks.table.grad_rows() != nullptr);
  CHECK(*tasks.table.grad_rows() == std::vector<char>{0, 1, 0, 0, 1, 0, 0, 1, 1});
  for (long i = 0; i < tasks.table.numel(); ++i) {
    const double expected = whole[0][i] + whole[1][i];
    CHECK(tasks.table.grad_data()[i] == doctest::Approx(expected).epsilon(1e-5));
  }
}
