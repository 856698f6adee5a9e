// A block of c, up to 14 rows by two vectors, stays in registers while k runs: per step it takes two vectors of b and one
// number of a for each row, so the loads hide behind the multiply-adds (Goto, van de Geijn 2008; the registers of
// AVX-512 hold 28 sums, two vectors of b, one number). a is read where it lies. b is read where it lies when its rows
// are, otherwise a panel of it is copied, two vectors wide. Measured on one core, GFLOP/s of 171 that the processor can,
// beside OpenBLAS 0.3.21: x W^T at 32 x 256 x 256 126 / 77, 128 x 128 x 512 153 / 120; P V at length 128 154 / 117.
#include "engine/kernel.h"

#include <array>
#include <type_traits>
#include <utility>

namespace engine {
namespace {

#if defined(__AVX512F__)
constexpr int kBytes = 64, kRows = 14;
#elif defined(__AVX__)
constexpr int kBytes = 32, kRows = 6;
#else
constexpr int kBytes = 16, kRows = 6;
#endif
constexpr int kWidth = kBytes / sizeof(real);  // numbers of a vector
constexpr int kColumns = 2 * kWidth;           // of a panel of b
constexpr long kDepth = 512;                   // rows of a panel: 64 KiB

using Lane = std::conditional_t<sizeof(real) == 4, int, long>;
typedef real Vector __attribute__((vector_size(kBytes), aligned(sizeof(real)), may_alias));
typedef Lane Lanes __attribute__((vector_size(kBytes)));

inline Vector load(const real* x) { return *reinterpret_cast<const Vector*>(x); }
inline void store(real* x, Vector v) { *reinterpret_cast<Vector*>(x) = v; }

// The numbers that will be copied into the next panel: kColumns rows, `stride` apart, that are fetched into the cache
// line by line while a block is computed. The copy reads too many rows at once for the processor to see what comes.
struct Ahead {
  const real* data = nullptr;
  long stride = 0;
};

// c[R, V vectors] = alpha sum_p a[., p] b[p, .] + beta c
template <int V, bool Fetch, int R>
void block(long depth, real alpha, const real* a, long a_row, long a_step, const real* b, long b_step, real beta,
           real* c, long c_stride, Ahead ahead) {
  Vector sum[R][V] = {};
  for (long p = 0; p < depth; ++p) {
    Vector row[V];
    for (int v = 0; v < V; ++v) row[v] = load(b + p * b_step + v * kWidth);
    for (int i = 0; i < R; ++i) {
      const real x = a[i * a_row + p * a_step];
      for (int v = 0; v < V; ++v) sum[i][v] += x * row[v];
    }
    if (Fetch) __builtin_prefetch(ahead.data + p % kColumns * ahead.stride + p / kColumns * kWidth);
  }
  for (int i = 0; i < R; ++i)
    for (int v = 0; v < V; ++v) {
      real* to = c + i * c_stride + v * kWidth;
      store(to, beta == 0 ? alpha * sum[i][v] : alpha * sum[i][v] + beta * load(to));
    }
}

using Block = void (*)(long, real, const real*, long, long, const real*, long, real, real*, long, Ahead);
template <int V, bool Fetch, int... I>
constexpr std::array<Block, sizeof...(I)> blocks_of(std::integer_sequence<int, I...>) {
  return {&block<V, Fetch, I + 1>...};
}
using RowCounts = std::make_integer_sequence<int, kRows>;
constexpr std::array<Block, kRows> kNarrow = blocks_of<1, false>(RowCounts{}), kWide = blocks_of<2, false>(RowCounts{}),
                                   kWideFetching = blocks_of<2, true>(RowCounts{});

// Exchanges the off-diagonal quarters of every square of 2 D rows and lanes; D = width/2 ... 1 in turn transposes.
template <int D>
inline void exchange(Vector (&rows)[kWidth]) {
  Lanes upper, lower;
  for (int i = 0; i < kWidth; ++i) {
    upper[i] = i & D ? i - D + kWidth : i;
    lower[i] = i & D ? i + kWidth : i + D;
  }
  for (int i = 0; i < kWidth; ++i) {
    if (i & D) continue;
    const Vector x = rows[i], y = rows[i + D];
    rows[i] = __builtin_shuffle(x, y, upper);
    rows[i + D] = __builtin_shuffle(x, y, lower);
  }
  if constexpr (D > 1) exchange<D / 2>(rows);
}

// panel[p][j] = b[p, first + j] for j < columns; what follows them is never used.
void copy_panel(MatrixView b, long depth, long first, long columns, real* panel) {
  if (!b.transposed) {
    for (long p = 0; p < depth; ++p)
      for (long j = 0; j < columns; ++j) panel[p * kColumns + j] = b.data[p * b.stride + first + j];
    return;
  }
  for (long j = 0; j < columns; j += kWidth) {
    const real* from = b.data + (first + j) * b.stride;
    const long last = std::min<long>(kWidth, columns - j) - 1;  // lanes past it repeat it
    long p = 0;
    for (; p + kWidth <= depth; p += kWidth) {
      Vector rows[kWidth];
      for (long i = 0; i < kWidth; ++i) rows[i] = load(from + std::min(i, last) * b.stride + p);
      exchange<kWidth / 2>(rows);
      for (long i = 0; i < kWidth; ++i) store(panel + (p + i) * kColumns + j, rows[i]);
    }
    for (; p < depth; ++p)
      for (long i = 0; i <= last; ++i) panel[p * kColumns + j + i] = from[i * b.stride + p];
  }
}

}  // namespace

void gemm_small(long m, long n, long k, real alpha, MatrixView a, MatrixView b, real beta, real* c, long c_stride) {
  alignas(kBytes) thread_local real panel[kDepth * kColumns];
  const long a_row = a.transposed ? 1 : a.stride, a_step = a.transposed ? a.stride : 1;
  const long slivers = (m + kRows - 1) / kRows;  // of equal height, give or take a row
  for (long p = 0; p < k; p += kDepth) {
    const long depth = std::min(kDepth, k - p);
    const MatrixView deeper{b.data + (b.transposed ? p : p * b.stride), b.stride, b.transposed};
    const real keep = p == 0 ? beta : 1;
    for (long j = 0; j < n; j += kColumns) {
      const long columns = std::min<long>(kColumns, n - j);
      const bool in_place = !b.transposed && columns == kColumns;
      if (!in_place) copy_panel(deeper, depth, j, columns, panel);
      const real* from = in_place ? deeper.data + j : panel;
      const long b_step = in_place ? b.stride : kColumns;
      const bool fetch = b.transposed && j + 2 * kColumns <= n;
      for (long s = 0; s < slivers; ++s) {
        const long i = s * m / slivers, rows = (s + 1) * m / slivers - i;
        const real* ai = a.data + i * a_row + p * a_step;
        real* to = c + i * c_stride + j;
        if (columns == kColumns) {
          // The first two slivers fetch half of the next panel each.
          const Ahead ahead{deeper.data + (j + kColumns) * b.stride + s * depth / 2, b.stride};
          (fetch && s < 2 ? kWideFetching : kWide)[rows - 1](depth, alpha, ai, a_row, a_step, from, b_step, keep, to,
                                                             c_stride, ahead);
          continue;
        }
        real edge[kRows * kColumns];  // whole vectors, of which c takes what it has room for
        (columns > kWidth ? kWide : kNarrow)[rows - 1](depth, alpha, ai, a_row, a_step, from, b_step, 0, edge, kColumns,
                                                       {});
        for (long r = 0; r < rows; ++r) {
          real* row = to + r * c_stride;
          for (long q = 0; q < columns; ++q)
            row[q] = keep == 0 ? edge[r * kColumns + q] : edge[r * kColumns + q] + keep * row[q];
        }
      }
    }
  }
}

}  // namespace engine
