// Two loops that do nothing but what they measure. Read tools/bench/limits.h first.
#include "tools/bench/limits.h"

#include <algorithm>

#include "engine/parallel.h"
#include "engine/tensor.h"
#include "tools/bench/clock.h"

namespace bench {
namespace {

using engine::Buffer;

// The best of several runs of `pass`, as amount a second.
template <class Pass>
double best_rate(double amount, int runs, Pass pass) {
  double best = 0;
  for (int i = 0; i < runs; ++i) {
    const double start = now();
    pass();
    best = std::max(best, amount / (now() - start));
  }
  return best;
}

#if defined(__AVX512F__)
constexpr int kBytes = 64;
#elif defined(__AVX__)
constexpr int kBytes = 32;
#else
constexpr int kBytes = 16;
#endif
typedef float Vector __attribute__((vector_size(kBytes)));

// Twenty sums in registers, which hide the latency of a multiply-add.
void multiply_add(long steps, float* out) {
  constexpr int kSums = 12;
  Vector sum[kSums], x = {}, y = {};
  x += 0.999f, y += 1e-3f;
  for (int i = 0; i < kSums; ++i) sum[i] = x * float(i);
  for (long s = 0; s < steps; ++s)
    for (int i = 0; i < kSums; ++i) sum[i] = sum[i] * x + y;
  for (int i = 1; i < kSums; ++i) sum[0] += sum[i];
  *out = sum[0][0];
}

}  // namespace

double flops_limit() {
  static const double limit = [] {
    constexpr long kSteps = 3'000'000, kTasks = 16;
    float out[kTasks];
    const double flops = 2. * kTasks * kSteps * 12 * (kBytes / double(sizeof(float)));
    return best_rate(flops, 5, [&] { engine::parallel_tasks(kTasks, [&](long t) { multiply_add(kSteps, out + t); }); });
  }();
  return limit;
}

double bytes_limit() {
  static const double limit = [] {
    constexpr long kNumbers = 48L << 20;
    const Buffer a(kNumbers), b(kNumbers), c(kNumbers), d(kNumbers);
    for (const Buffer& x : {a, b, c, d}) x.zero();
    const auto pass = [&] {
      engine::parallel_blocks(kNumbers, [&](long begin, long end) {
        for (long i = begin; i < end; ++i) {
          const engine::real g = d[i];
          a[i] = a[i] * engine::real(0.9) + g;
          b[i] = b[i] * engine::real(0.99) + g;
          c[i] = c[i] - a[i] - b[i];
        }
      });
    };
    pass();
    return best_rate(7. * sizeof(engine::real) * kNumbers, 5, pass);
  }();
  return limit;
}

}  // namespace bench
