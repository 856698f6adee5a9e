// The only file that knows BLAS: its kernels, its threads and its calling convention. Read engine/ops_matmul.cpp next.
#include "engine/blas.h"

#include <cblas.h>
#include <omp.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>

#include "engine/gemm_small.h"
#include "engine/profile.h"

// Not in its headers, and absent where OpenBLAS was built for one processor only.
extern "C" {
__attribute__((weak)) void gotoblas_dynamic_init();
__attribute__((weak)) void gotoblas_dynamic_quit();
}

namespace engine {
namespace {

// What OpenBLAS calls the best kernel of this processor; none if that is the one it falls back to.
const char* best_kernel() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl"))
    return "SkylakeX";
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "Haswell";
  return nullptr;
}

#ifdef REAL_IS_DOUBLE
constexpr auto cblas_gemm = cblas_dgemm;
#else
constexpr auto cblas_gemm = cblas_sgemm;
#endif

MatrixView rows_from(MatrixView x, long row) {
  return {x.data + (x.transposed ? row : row * x.stride), x.stride, x.transposed};
}
MatrixView columns_from(MatrixView x, long c) {
  return {x.data + (x.transposed ? c * x.stride : c), x.stride, x.transposed};
}

// A BLAS call copies its operands into packed panels first, so few large tiles are best: the longer side is halved, and
// then cut to what fits the cache. Measured on 2 cores, 400 x 1024 x 256: 2 tiles 272 GFLOP/s, 4 tiles 245, 8 tiles
// 220.
constexpr long kSkinny = 256;  // rows up to which gemm_small() is used
struct Tiling {
  Tiling(long m, long n, bool rows_alone) : rows(std::max(m, 1L)), columns(std::max(n, 1L)) {
    if (rows_alone) rows = std::min(rows, kSkinny);
    if (rows_alone ||
        (m <= kSkinny && n > m)) {  // gemm_small() copies columns of b only: the more tiles, the less a thread waits
      columns = std::max(64L, (n / 4 + 31) / 32 * 32);
      return;
    }
    long& longer = m >= n ? rows : columns;
    longer = ((longer + 1) / 2 + 15) / 16 * 16;
    rows = std::min(rows, 512L);
    columns = std::min(columns, 1536L);
  }
  long rows, columns;
};

// Whether gemm_small() is faster than a BLAS call, as measured on one core over the shapes of transformers. OpenBLAS
// has a path of its own for small products (up to 100^3), which is good unless b is transposed; beyond it, it copies a
// and b, which pays from a few hundred rows on. gemm_small() reads a transposed a, and a wide b, in strides.
bool suits_gemm_small(long m, long n, long k, MatrixView a, MatrixView b) {
  const long work = m * n * k;
  if (work <= 1000000) return b.transposed && m >= 16 && work >= 50000;
  if (a.transposed) return a.stride <= 256;
  return m <= kSkinny && (b.transposed || b.stride <= 1024 || m <= 16);
}

// OpenBLAS takes a block of 128 MB of addresses for each thread when it first multiplies, keeps it, and where there is
// none it asks again for ever: so we ask before it does, once.
void require_room_for_blas() {
  static const bool asked = [] {
    const size_t bytes = size_t(omp_get_max_threads()) * (136 << 20);
    void* room = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    check(room != MAP_FAILED,
          "out of memory: OpenBLAS needs {} MB of addresses for the products of {} thread{}; a limit (`ulimit -v`) "
          "leaves "
          "less, OMP_NUM_THREADS=1 needs least",
          bytes >> 20, omp_get_max_threads(), omp_get_max_threads() == 1 ? "" : "s");
    return munmap(room, bytes) == 0;
  }();
  (void)asked;
}

}  // namespace

void gemm_serial(long m, long n, long k, real alpha, MatrixView a, MatrixView b, real beta, real* c, long c_stride) {
  if (m == 0 || n == 0) return;
  if (k == 0) {  // a sum of nothing; BLAS refuses a matrix without columns
    for (long i = 0; i < m; ++i)
      for (long j = 0; j < n; ++j) c[i * c_stride + j] = beta == 0 ? 0 : beta * c[i * c_stride + j];
    return;
  }
  if (suits_gemm_small(m, n, k, a, b)) return gemm_small(m, n, k, alpha, a, b, beta, c, c_stride);
  cblas_gemm(CblasRowMajor, a.transposed ? CblasTrans : CblasNoTrans, b.transposed ? CblasTrans : CblasNoTrans, int(m),
             int(n), int(k), alpha, a.data, int(a.stride), b.data, int(b.stride), beta, c, int(c_stride));
}

void gemm(const std::vector<Product>& products) {
  for (size_t i = 1; i < products.size(); ++i)  // two that add to one place, as with a shared weight, take turns
    for (size_t j = 0; j < i; ++j)
      if (products[i].c == products[j].c) {
        for (const Product& product : products) gemm({product});
        return;
      }
  require_room_for_blas();
  const bool rows_alone = RowsAlone::now();  // of this thread; those that share the loop do not know
  struct Tile {
    const Product* product;
    long row, rows, column, columns;
  };
  std::vector<Tile> tiles;
  for (const Product& p : products) {
    const Tiling size(p.m, p.n, rows_alone);
    for (long row = 0; row < p.m; row += size.rows)
      for (long column = 0; column < p.n; column += size.columns)
        tiles.push_back({&p, row, std::min(size.rows, p.m - row), column, std::min(size.columns, p.n - column)});
    for (const Product::Term& term : p.terms) profile_work(2. * double(p.m) * double(p.n) * double(term.k));
  }
  // Always a parallel region, even around one tile: inside it OpenBLAS keeps to one thread, so the bits stay the same.
#pragma omp parallel for schedule(dynamic)
  for (const Tile& tile : tiles) {
    const Product& p = *tile.product;
    real beta = p.beta;
    for (const Product::Term& term : p.terms) {
      const auto multiply = rows_alone && term.k > 0 ? gemm_small : gemm_serial;
      multiply(tile.rows, tile.columns, term.k, 1, rows_from(term.a, tile.row), columns_from(term.b, tile.column), beta,
               p.c + tile.row * p.c_stride + tile.column, p.c_stride);
      beta = 1;
    }
    if (p.tile_done) p.tile_done(tile.row, tile.rows, tile.column, tile.columns);
  }
}

std::string blas_kernel() { return openblas_get_corename(); }

const char* better_blas_kernel() { return blas_kernel() == "Prescott" ? best_kernel() : nullptr; }

// OpenBLAS reads the variable whenever it chooses; what it exports for its own start and end lets it choose again.
bool change_blas_kernel(const char* kernel) {
  if (!gotoblas_dynamic_quit || !gotoblas_dynamic_init) return false;  // a build for one processor
  if (setenv("OPENBLAS_CORETYPE", kernel, 0) != 0) return false;
  gotoblas_dynamic_quit();
  gotoblas_dynamic_init();
  unsetenv("OPENBLAS_CORETYPE");
  return blas_kernel() == kernel;
}

std::string blas_description() {
  std::string version = openblas_get_config();  // "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ..."
  version.resize(std::min(version.size(), version.find(' ', version.find(' ') + 1)));
  const int threads = omp_get_max_threads();
  return fmt::format("{}, {} kernel{}, {} thread{}", version, blas_kernel(),
                     better_blas_kernel() ? " (slow: this processor can do more)" : "", threads,
                     threads == 1 ? "" : "s");
}

}  // namespace engine
