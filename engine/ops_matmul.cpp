// Matrix products, plain and batched. Read engine/blas.h first; engine/ops_linear.cpp is the product with a weight.
#include "engine/blas.h"
#include "engine/ops.h"
#include "engine/parallel.h"

namespace engine {
namespace {

// One product of a batch: c[m, n] = op(a) op(b), and where its gradients go.
struct Pair {
  Pair(const char* op, const Tensor& a, const Tensor& b, Transpose t)
      : a_transposed(t == Transpose::first || t == Transpose::both),
        b_transposed(t == Transpose::second || t == Transpose::both),
        m(a.dim(a_transposed ? -1 : -2)),
        n(b.dim(b_transposed ? -2 : -1)),
        k(a.dim(a_transposed ? -2 : -1)) {
    check(k == b.dim(b_transposed ? -1 : -2), "{}: the inner sizes must be equal; got {}{} and {}{}", op, a,
          a_transposed ? " transposed" : "", b, b_transposed ? " transposed" : "");
  }
  MatrixView left(const real* a) const { return {a, a_transposed ? m : k, a_transposed}; }
  MatrixView right(const real* b) const { return {b, b_transposed ? k : n, b_transposed}; }
  static MatrixView flip(MatrixView x) { return {x.data, x.stride, !x.transposed}; }

  // da += dc op(b)^T, db += op(a)^T dc; written transposed when the operand was.
  template <class Gemm>
  void backward(Gemm gemm_like, const real* a, const real* b, const real* dc, real* da, real* db) const {
    const MatrixView d{dc, n};
    if (da && !a_transposed) gemm_like(m, k, n, d, flip(right(b)), da, k);
    if (da && a_transposed) gemm_like(k, m, n, right(b), flip(d), da, m);
    if (db && !b_transposed) gemm_like(k, n, m, flip(left(a)), d, db, n);
    if (db && b_transposed) gemm_like(n, k, m, flip(d), left(a), db, k);
  }

  bool a_transposed, b_transposed;
  long m, n, k;
};

}  // namespace

// matmul: c = a b, either operand taken transposed.
//   shapes    a [M, K]   b [K, N]   ->   c [M, N]
//   backward  da = dc b^T,   db = a^T dc
Tensor matmul(const Tensor& a, const Tensor& b, Transpose t) {
  check(a.shape().rank() == 2 && b.shape().rank() == 2, "matmul: two matrices are needed; got {} and {}", a, b);
  const Pair p("matmul", a, b, t);
  Tensor c(Shape{p.m, p.n});
  gemm({{p.m, p.n, {{p.left(a.data()), p.right(b.data()), p.k}}, c.data(), p.n}});
  return record("matmul", {a, b}, c, [=](const Tensor& out) {
    const auto add_product = [](long m, long n, long k, MatrixView x, MatrixView y, real* z, long stride) {
      gemm({{m, n, {{x, y, k}}, z, stride, 1}});
    };
    p.backward(add_product, a.data(), b.data(), out.grad(), a.wants_grad() ? a.grad() : nullptr,
               b.wants_grad() ? b.grad() : nullptr);
  });
}

// bmm: matmul for each of B pairs of matrices; the pairs are shared out over the threads.
//   shapes    a [B, M, K]   b [B, K, N]   ->   c [B, M, N]
Tensor bmm(const Tensor& a, const Tensor& b, Transpose t) {
  check(a.shape().rank() == 3 && b.shape().rank() == 3 && a.dim(0) == b.dim(0),
        "bmm: two batches of equally many matrices are needed; got {} and {}", a, b);
  const Pair p("bmm", a, b, t);
  const long B = a.dim(0);
  Tensor c(Shape{B, p.m, p.n});
  const real *as = a.data(), *bs = b.data();
  real* cs = c.data();
  parallel_tasks(B, [=](long i) {
    gemm_serial(p.m, p.n, p.k, 1, p.left(as + i * p.m * p.k), p.right(bs + i * p.k * p.n), 0, cs + i * p.m * p.n, p.n);
  });
  return record("bmm", {a, b}, c, [=](const Tensor& out) {
    const auto add_product = [](long m, long n, long k, MatrixView x, MatrixView y, real* z, long stride) {
      gemm_serial(m, n, k, 1, x, y, 1, z, stride);
    };
    const real *av = a.data(), *bv = b.data(), *dc = out.grad();
    real* da = a.wants_grad() ? a.grad() : nullptr;
    real* db = b.wants_grad() ? b.grad() : nullptr;
    parallel_tasks(B, [=](long i) {
      p.backward(add_product, av + i * p.m * p.k, bv + i * p.k * p.n, dc + i * p.m * p.n,
                 da ? da + i * p.m * p.k : nullptr, db ? db + i * p.k * p.n : nullptr);
    });
  });
}

}  // namespace engine
