// Loops over threads whose results do not depend on how many there are: every number is written by one iteration, and
// a sum over iterations goes over fixed blocks, added up in order.
#pragma once

#include <omp.h>

#include <algorithm>
#include <exception>
#include <mutex>
#include <vector>

#include "engine/base.h"

namespace engine {

constexpr long kBlock = 16384;    // numbers a thread takes at a time; also the blocks of a sum
constexpr long kWorthIt = 16384;  // numbers below which starting threads (about 1 us) costs more than it saves

// No exception may leave a parallel loop: one that an iteration throws is kept, and thrown behind the loop.
class Kept {
 public:
  template <class F>
  void operator()(F&& iteration) noexcept {
    try {
      iteration();
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!first_) first_ = std::current_exception();
    }
  }
  void rethrow() const {
    if (first_) std::rethrow_exception(first_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr first_;
};

// f(r) for every row; `width` numbers of work in each.
template <class F>
void parallel_rows(long rows, long width, F f) {
  Kept kept;
#pragma omp parallel for schedule(static) if (rows > 1 && rows * width > kWorthIt)
  for (long r = 0; r < rows; ++r) kept([&] { f(r); });
  kept.rethrow();
}

// f(begin, end) for consecutive blocks of [0, n).
template <class F>
void parallel_blocks(long n, F f) {
  const long blocks = (n + kBlock - 1) / kBlock;
  Kept kept;
#pragma omp parallel for schedule(static) if (blocks > 1)
  for (long b = 0; b < blocks; ++b) kept([&] { f(b * kBlock, std::min(n, (b + 1) * kBlock)); });
  kept.rethrow();
}

// f(task) where tasks differ in size: whoever is free takes the next.
template <class F>
void parallel_tasks(long tasks, F f) {
  Kept kept;
#pragma omp parallel for schedule(dynamic)
  for (long t = 0; t < tasks; ++t) kept([&] { f(t); });
  kept.rethrow();
}

// The sum of f(begin, end) over consecutive blocks of [0, n); the blocks are added up in double.
template <class F>
double blockwise_sum(long n, F f) {
  std::vector<double> part((n + kBlock - 1) / kBlock);
  parallel_blocks(n, [&](long begin, long end) { part[begin / kBlock] = f(begin, end); });
  double sum = 0;
  for (double p : part) sum += p;
  return sum;
}

// out[c] += sum_r x[r, c], the rows `stride` apart: parallel over strips of columns, each summed from the first row to
// the last. A strip is as wide as leaves every thread one: of a narrow one each row is another page of memory.
template <class T>
void add_column_sums(const T* x, long rows, long columns, long stride, T* out) {
  constexpr long kNarrow = 64, kWide = 1024;
  const long share = (columns / omp_get_max_threads() + kNarrow - 1) / kNarrow * kNarrow;
  const long strip = std::clamp(share, kNarrow, kWide), strips = (columns + strip - 1) / strip;
#pragma omp parallel for schedule(static) if (rows * columns > kWorthIt)
  for (long s = 0; s < strips; ++s) {
    const long first = s * strip, width = std::min(strip, columns - first);
    double sum[kWide];
    std::fill_n(sum, width, 0.);
    for (long r = 0; r < rows; ++r)
      for (long c = 0; c < width; ++c) sum[c] += x[r * stride + first + c];
    for (long c = 0; c < width; ++c) out[first + c] += T(sum[c]);
  }
}

}  // namespace engine
