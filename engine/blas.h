// Matrix products. The same bits at any number of threads: a product is cut into tiles whose size depends on the shape
// alone, each tile is one single-threaded BLAS call, and the tiles are shared out by OpenMP.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/base.h"

namespace engine {

// A row-major matrix inside memory: consecutive rows are `stride` numbers apart. With `transposed`, a product takes it
// as if rows and columns were exchanged.
struct MatrixView {
  const real* data;
  long stride;
  bool transposed = false;
};

// c[m, n] = beta c + sum over the terms of a[m, k] b[k, n]. `tile_done(row, rows, column, columns)`, if given, is
// called once for every finished tile, while it is still in the cache.
struct Product {
  struct Term {
    MatrixView a, b;
    long k;
  };
  using TileDone = std::function<void(long row, long rows, long column, long columns)>;
  long m, n;
  std::vector<Term> terms;
  real* c;
  long c_stride;
  real beta = 0;
  TileDone tile_done = nullptr;
};

// Several products: their tiles share one parallel loop, so no thread waits at the end of each. Those that write to one
// place are done in their order.
void gemm(const std::vector<Product>& products);

// c[m, n] = alpha * a[m, k] b[k, n] + beta * c on the calling thread, for use inside a parallel loop.
void gemm_serial(long m, long n, long k, real alpha, MatrixView a, MatrixView b, real beta, real* c, long c_stride);

// While one lives, a row of a product that this thread asks for is the same bits whatever other rows are in it: it
// depends on its own row of a, and on b. So what a model says of a text does not depend on its batch. Every product is
// gemm_small()'s then, in blocks of rows; elsewhere the number of rows decides which kernel sums up, and in which
// order.
class RowsAlone {
 public:
  RowsAlone() { ++count_; }
  ~RowsAlone() { --count_; }
  RowsAlone(const RowsAlone&) = delete;
  static bool now() { return count_ > 0; }

 private:
  inline static thread_local int count_ = 0;
};

// OpenBLAS chooses its kernels by the model of the processor while it is being loaded; engine/startup.h mends that.
std::string blas_kernel();         // what it chose: "SkylakeX"
const char* better_blas_kernel();  // of this processor, if it fell back to its slowest; else nullptr
// Makes it choose again; whether it took `kernel`. OPENBLAS_CORETYPE must not be set, and no thread inside OpenBLAS.
bool change_blas_kernel(const char* kernel);

// For the first lines of a program: "OpenBLAS 0.3.21, SkylakeX kernel, 2 threads".
std::string blas_description();

}  // namespace engine
