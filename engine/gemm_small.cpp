// A block of c, up to 14 rows by two vectors, stays in registers while k runs: per step it takes two vectors of b and
// one number of a for each row, so the loads hide behind the multiply-adds (Goto, van de Geijn 2008; the registers of
// AVX-512 hold 28 sums, two vectors of b, one number). a is read where it lies. b is read where it lies when its rows
// are, otherwise a panel of it is copied, two vectors wide. Measured on one core, GFLOP/s beside those
// of OpenBLAS 0.3.21, the limit being 171: x W^T at 32 x 256 x 256 126 / 77, 128 x 128 x 512 153 / 120; P V at length
// 128 154 / 117.
#include "engine/gemm_small.h"

#include <array>
#include <type_traits>
#include <utility>

namespace engine {
namespace {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64, kBlockRows = 14;
#elif defined(__AVX__)
constexpr int kVectorBytes = 32, kBlockRows = 6;
#else
constexpr int kVectorBytes = 16, kBlockRows = 6;
#endif
constexpr int kLanes = kVectorBytes / sizeof(real);  // numbers of a vector
constexpr int kPanelColumns = 2 * kLanes;            // of a panel of b
constexpr long kPanelDepth = 512;                    // rows of a panel: 64 KiB

using Lane = std::conditional_t<sizeof(real) == 4, int, long>;
typedef real Vector __attribute__((vector_size(kVectorBytes)));
typedef Vector InMemory __attribute__((aligned(sizeof(real)), may_alias));  // wherever numbers lie
typedef Lane Lanes __attribute__((vector_size(kVectorBytes)));

inline Vector load(const real* x) { return *reinterpret_cast<const InMemory*>(x); }
inline void store(real* x, Vector v) { *reinterpret_cast<InMemory*>(x) = v; }

// The numbers that will be copied into the next panel: kPanelColumns rows, `stride` apart, that are fetched into the
// cache line by line while a block is computed: the copy reads too many rows at once for the processor to foresee.
struct NextPanel {
  const real* data = nullptr;
  long stride = 0;
};

// c[R, V vectors] = alpha sum_p a[., p] b[p, .] + beta c
template <int V, bool Prefetch, int R>
void multiply_block(long depth, real alpha, const real* a, long a_row, long a_step, const real* b, long b_step,
                    real beta, real* c, long c_stride, NextPanel next) {
  Vector sum[R][V] = {};
  for (long p = 0; p < depth; ++p) {
    Vector row[V];
    for (int v = 0; v < V; ++v) row[v] = load(b + p * b_step + v * kLanes);
    for (int i = 0; i < R; ++i) {
      const real x = a[i * a_row + p * a_step];
      for (int v = 0; v < V; ++v) sum[i][v] += x * row[v];
    }
    if (Prefetch) __builtin_prefetch(next.data + p % kPanelColumns * next.stride + p / kPanelColumns * kLanes);
  }
  for (int i = 0; i < R; ++i)
    for (int v = 0; v < V; ++v) {
      real* to = c + i * c_stride + v * kLanes;
      store(to, beta == 0 ? alpha * sum[i][v] : alpha * sum[i][v] + beta * load(to));
    }
}

using BlockKernel = void (*)(long, real, const real*, long, long, const real*, long, real, real*, long, NextPanel);
template <int V, bool Prefetch, int... I>
constexpr std::array<BlockKernel, sizeof...(I)> kernels_of(std::integer_sequence<int, I...>) {
  return {&multiply_block<V, Prefetch, I + 1>...};
}
using RowCounts = std::make_integer_sequence<int, kBlockRows>;
constexpr std::array<BlockKernel, kBlockRows> kOneVector = kernels_of<1, false>(RowCounts{}),
                                              kTwoVectors = kernels_of<2, false>(RowCounts{}),
                                              kTwoVectorsPrefetching = kernels_of<2, true>(RowCounts{});

// Lane i is lane from[i] of x and y end to end.
inline Vector shuffled(Vector x, Vector y, Lanes from) {
#ifdef __clang__  // it has no __builtin_shuffle; only the fuzzers are built by it
  Vector z;
  for (int i = 0; i < kLanes; ++i) z[i] = from[i] < kLanes ? x[from[i]] : y[from[i] - kLanes];
  return z;
#else
  return __builtin_shuffle(x, y, from);
#endif
}

// Exchanges the off-diagonal quarters of every square of 2 D rows and lanes; D = width/2 ... 1 in turn transposes.
template <int D>
inline void transpose_in_squares(Vector (&rows)[kLanes]) {
  Lanes upper, lower;
  for (int i = 0; i < kLanes; ++i) {
    upper[i] = i & D ? i - D + kLanes : i;
    lower[i] = i & D ? i + kLanes : i + D;
  }
  for (int i = 0; i < kLanes; ++i) {
    if (i & D) continue;
    const Vector x = rows[i], y = rows[i + D];
    rows[i] = shuffled(x, y, upper);
    rows[i + D] = shuffled(x, y, lower);
  }
  if constexpr (D > 1) transpose_in_squares<D / 2>(rows);
}

// panel[p][j] = b[p, first + j] for j < columns; what follows them is never used.
void copy_panel(MatrixView b, long depth, long first, long columns, real* panel) {
  if (!b.transposed) {
    for (long p = 0; p < depth; ++p)
      for (long j = 0; j < columns; ++j) panel[p * kPanelColumns + j] = b.data[p * b.stride + first + j];
    return;
  }
  for (long j = 0; j < columns; j += kLanes) {
    const real* from = b.data + (first + j) * b.stride;
    const long last = std::min<long>(kLanes, columns - j) - 1;  // lanes past it repeat it
    long p = 0;
    for (; p + kLanes <= depth; p += kLanes) {
      Vector rows[kLanes];
      for (long i = 0; i < kLanes; ++i) rows[i] = load(from + std::min(i, last) * b.stride + p);
      transpose_in_squares<kLanes / 2>(rows);
      for (long i = 0; i < kLanes; ++i) store(panel + (p + i) * kPanelColumns + j, rows[i]);
    }
    for (; p < depth; ++p)
      for (long i = 0; i <= last; ++i) panel[p * kPanelColumns + j + i] = from[i * b.stride + p];
  }
}

// A block narrower than a panel: whole vectors are computed, of which c takes what it has room for.
void multiply_edge(long rows, long columns, long depth, real alpha, const real* a, long a_row, long a_step,
                   const real* panel, real beta, real* c, long c_stride) {
  real sum[kBlockRows * kPanelColumns];
  (columns > kLanes ? kTwoVectors : kOneVector)[rows - 1](depth, alpha, a, a_row, a_step, panel, kPanelColumns, 0, sum,
                                                          kPanelColumns, {});
  for (long i = 0; i < rows; ++i)
    for (long j = 0; j < columns; ++j) {
      const real x = sum[i * kPanelColumns + j];
      real& to = c[i * c_stride + j];
      to = beta == 0 ? x : x + beta * to;
    }
}

}  // namespace

void gemm_small(long m, long n, long k, real alpha, MatrixView a, MatrixView b, real beta, real* c, long c_stride) {
  alignas(kVectorBytes) thread_local real panel[kPanelDepth * kPanelColumns];
  const long a_row = a.transposed ? 1 : a.stride, a_step = a.transposed ? a.stride : 1;
  const long slivers = (m + kBlockRows - 1) / kBlockRows;  // of equal height, give or take a row
  for (long p = 0; p < k; p += kPanelDepth) {
    const long depth = std::min(kPanelDepth, k - p);
    const MatrixView deeper{b.data + (b.transposed ? p : p * b.stride), b.stride, b.transposed};
    const real keep = p == 0 ? beta : 1;
    for (long j = 0; j < n; j += kPanelColumns) {
      const long columns = std::min<long>(kPanelColumns, n - j);
      const bool in_place = !b.transposed && columns == kPanelColumns;
      if (!in_place) copy_panel(deeper, depth, j, columns, panel);
      const real* from = in_place ? deeper.data + j : panel;
      const long b_step = in_place ? b.stride : kPanelColumns;
      const bool prefetch = b.transposed && j + 2 * kPanelColumns <= n;
      for (long s = 0; s < slivers; ++s) {
        const long i = s * m / slivers, rows = (s + 1) * m / slivers - i;
        const real* ai = a.data + i * a_row + p * a_step;
        real* to = c + i * c_stride + j;
        if (columns < kPanelColumns) {
          multiply_edge(rows, columns, depth, alpha, ai, a_row, a_step, from, keep, to, c_stride);
          continue;
        }
        // The first two slivers fetch half of the next panel each.
        const NextPanel next{deeper.data + (j + kPanelColumns) * b.stride + s * depth / 2, b.stride};
        (prefetch && s < 2 ? kTwoVectorsPrefetching : kTwoVectors)[rows - 1](depth, alpha, ai, a_row, a_step, from,
                                                                             b_step, keep, to, c_stride, next);
      }
    }
  }
}

}  // namespace engine
