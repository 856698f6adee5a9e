// One pass over memory to take a task's gradients, one for every pair of tasks, one to put them together.
// Read optim/groups.h first: how parameters lie end to end.
#include "optim/task_gradients.h"

#include <algorithm>

namespace optim {

TaskGradients::TaskGradients(std::vector<Tensor> shared, long tasks)
    : shared_(std::move(shared)), arrived_(tasks, std::vector<char>(shared_.size())) {
  for (long i = 0; i < tasks; ++i) rows_.emplace_back(shared_);
}

void TaskGradients::take(long task) {
  for (size_t p = 0; p < shared_.size(); ++p) {
    const long n = shared_[p].numel();
    real* row = rows_[task].of(p);
    arrived_[task][p] = shared_[p].has_grad();
    if (arrived_[task][p])
      std::copy_n(shared_[p].grad_data(), n, row);
    else
      std::fill_n(row, n, real(0));
    shared_[p].clear_grad();
  }
}

std::vector<double> TaskGradients::gram() const {
  const size_t T = rows_.size();
  std::vector<double> gram(T * T);
  for (size_t i = 0; i < T; ++i)
    for (size_t j = 0; j <= i; ++j) {
      const real *a = rows_[i].all.data(), *b = rows_[j].all.data();
      gram[i * T + j] = gram[j * T + i] = blockwise_sum(rows_[i].all.size(), [=](long begin, long end) {
        double sum = 0;
#pragma omp simd reduction(+ : sum)
        for (long k = begin; k < end; ++k) sum += double(a[k]) * double(b[k]);
        return sum;
      });
    }
  return gram;
}

void TaskGradients::combine(const std::vector<double>& coefficients) const {
  check(coefficients.size() == rows_.size(), "combine: one coefficient for each of {} tasks is needed; got {}",
        rows_.size(), coefficients.size());
  for (size_t p = 0; p < shared_.size(); ++p) {
    shared_[p].clear_grad();
    for (size_t i = 0; i < rows_.size(); ++i) {
      if (!arrived_[i][p]) continue;
      const real *row = rows_[i].of(p), c = real(coefficients[i]);
      real* g = shared_[p].grad();
      parallel_blocks(shared_[p].numel(), [=](long begin, long end) {
        for (long k = begin; k < end; ++k) g[k] += c * row[k];
      });
    }
  }
}

}  // namespace optim
