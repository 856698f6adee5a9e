// One pass over memory to take a task's gradients, one for every pair of tasks, one to put them together; of embeddings
// only the rows that were written. Read optim/groups.h first.
#include "optim/several/task_gradients.h"

namespace optim {
namespace {

double product(const real* a, const real* b, long n) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (long i = 0; i < n; ++i) sum += double(a[i]) * double(b[i]);
  return sum;
}

}  // namespace

TaskGradients::Gradient TaskGradients::gradient_of(const Tensor& p) {
  Gradient g;
  g.arrived = p.has_grad();
  if (!g.arrived) return g;
  const std::vector<char>* written = p.grad_rows();
  g.whole = written == nullptr;
  if (!g.whole)
    for (size_t r = 0; r < written->size(); ++r)
      if ((*written)[r]) g.written.push_back(int(r));
  const real* from = p.grad_of_written_rows();
  const long C = g.whole ? 0 : p.dim(-1);
  g.values = Buffer(g.whole ? p.numel() : long(g.written.size()) * C);
  real* to = g.values.data();
  if (g.whole)
    parallel_blocks(p.numel(), [=](long begin, long end) { std::copy(from + begin, from + end, to + begin); });
  else
    parallel_rows(long(g.written.size()), C, [&](long i) { std::copy_n(from + g.written[i] * C, C, to + i * C); });
  return g;
}

TaskGradients::TaskGradients(std::vector<Tensor> shared, long tasks) : shared_(std::move(shared)), rows_(tasks) {}

void TaskGradients::take(long task) {
  rows_[task].clear();
  for (const Tensor& p : shared_) {
    rows_[task].push_back(gradient_of(p));
    p.clear_grad();
  }
}

// Rows of an embedding meet where both tasks wrote.
double TaskGradients::dot(size_t a, size_t b) const {
  double sum = 0;
  for (size_t i = 0; i < shared_.size(); ++i) {
    const Gradient &x = rows_[a][i], &y = rows_[b][i];
    if (!x.arrived || !y.arrived) continue;
    if (x.whole && y.whole) {
      sum += blockwise_sum(shared_[i].numel(), [&](long begin, long end) {
        return product(x.values.data() + begin, y.values.data() + begin, end - begin);
      });
      continue;
    }
    const long C = shared_[i].dim(-1);
    std::vector<std::pair<long, long>> meet;  // rows of x.values and y.values
    const auto at = [](const Gradient& g, size_t k) { return g.whole ? int(k) : g.written[k]; };
    const size_t nx = x.whole ? size_t(shared_[i].dim(0)) : x.written.size();
    const size_t ny = y.whole ? size_t(shared_[i].dim(0)) : y.written.size();
    for (size_t j = 0, k = 0; j < nx && k < ny; at(x, j) <= at(y, k) ? ++j : ++k)
      if (at(x, j) == at(y, k)) meet.emplace_back(j, k);
    std::vector<double> part(meet.size());
    parallel_rows(long(meet.size()), C, [&](long m) {
      part[m] = product(x.values.data() + meet[m].first * C, y.values.data() + meet[m].second * C, C);
    });
    for (double p : part) sum += p;
  }
  return sum;
}

std::vector<double> TaskGradients::gram() const {
  const size_t T = rows_.size();
  std::vector<double> gram(T * T);
  for (size_t a = 0; a < T; ++a)
    for (size_t b = a; b < T; ++b) gram[a * T + b] = gram[b * T + a] = dot(a, b);
  profile_end("gram", Pass::other);
  return gram;
}

void TaskGradients::combine(const std::vector<double>& coefficients) const {
  check(coefficients.size() == rows_.size(), "combine: one coefficient for each of {} tasks is needed; got {}",
        rows_.size(), coefficients.size());
  for (size_t i = 0; i < shared_.size(); ++i) {
    const Tensor& p = shared_[i];
    p.clear_grad();
    for (size_t t = 0; t < rows_.size(); ++t) {
      const Gradient& g = rows_[t][i];
      if (!g.arrived) continue;
      const real c = real(coefficients[t]), *from = g.values.data();
      if (g.whole) {
        real* to = p.grad();
        parallel_blocks(p.numel(), [=](long begin, long end) {
          for (long j = begin; j < end; ++j) to[j] += c * from[j];
        });
        continue;
      }
      const long C = p.dim(-1);
      const Tensor::RowAccumulator to = p.grad_of_rows(g.written);
      parallel_rows(long(g.written.size()), C, [&](long r) {
        real* d = to.data + g.written[r] * C;
        for (long j = 0; j < C; ++j) d[j] = (to.first[r] ? 0 : d[j]) + c * from[r * C + j];
      });
    }
  }
}

}  // namespace optim
