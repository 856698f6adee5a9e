// Attention over packed sequences: the fused form, which never stores a probability, and the open form, where scores
// and probabilities are tensors that a loss can stand on. Read the comment at Ragged in engine/ops.h first.
#include <cmath>

#include "engine/blas.h"
#include "engine/ops.h"
#include "engine/parallel.h"
#include "engine/profile.h"
#include "engine/simd.h"

namespace engine {

Ragged::Ragged(Indices query_offsets, Indices key_offsets, long heads_, bool causal_)
    : queries(std::move(query_offsets)), keys(std::move(key_offsets)), heads(heads_), causal(causal_), blocks{0} {
  check(queries.size() == keys.size() && queries.size() >= 2 && queries[0] == 0 && keys[0] == 0,
        "attention: query and key offsets must be two lists of B + 1 numbers from 0; got {} and {} numbers",
        queries.size(), keys.size());
  check(heads > 0, "attention: at least one head is needed; got {}", heads);
  for (long b = 0; b < sequences(); ++b) {
    check(query_count(b) >= 1 && key_count(b) >= 1, "attention: sequence {} has {} queries and {} keys; both need one",
          b, query_count(b), key_count(b));
    check(!causal || key_count(b) >= query_count(b), "attention: causal sequence {} has {} queries but only {} keys", b,
          query_count(b), key_count(b));
    blocks.push_back(blocks.back() + heads * query_count(b) * key_count(b));
  }
}

long Ragged::visible(long b, long query) const {
  return causal ? key_count(b) - query_count(b) + query + 1 : key_count(b);
}

namespace {

// One head of one sequence: where its rows and its block begin, and its sizes.
struct Head {
  Head(const Ragged& layout, long task)
      : b(task / layout.heads),
        h(task % layout.heads),
        first_query(layout.queries[b]),
        first_key(layout.keys[b]),
        rows(layout.query_count(b)),
        columns(layout.key_count(b)),
        block(layout.block(b, h)) {}
  long b, h, first_query, first_key, rows, columns, block;
};

// Columns h*D ... of the rows of one sequence.
template <class T>
T* at(T* x, long row, const Head& head, long C, long D) {
  return x + row * C + head.h * D;
}

struct Sizes {
  Sizes(const char* op, const Tensor& q, const Tensor& k, const Tensor& v, const Ragged& layout) {
    const auto matrix = [&](const Tensor& x, const char* which, const Indices& offsets) {
      check(x.shape().rank() == 2 && x.dim(0) == offsets.back() && x.dim(1) % layout.heads == 0,
            "{}: {} must be [{}, a multiple of {} heads]; got {}", op, which, offsets.back(), layout.heads, x);
      return x.dim(1);
    };
    if (q) C = matrix(q, "q", layout.queries);
    if (k) check(matrix(k, "k", layout.keys) == C, "{}: q and k must be equally wide; got {} and {}", op, q, k);
    if (v) Cv = matrix(v, "v", layout.keys);
    D = C / layout.heads;
    Dv = Cv / layout.heads;
    // Heads write their own rows of each gradient; rows of one tensor that belong to two sequences would be a race.
    check(layout.queries == layout.keys || !q || (!q.is(k) && !(v && q.is(v))),
          "{}: queries and keys may be one tensor only if their offsets are equal; got {}", op, q);
  }
  long C = 0, Cv = 0, D = 0, Dv = 0;
};

// Probabilities of one head from its scores, in place. Keys that a query must not see get 0.
void softmax_block(const Ragged& layout, const Head& head, const real* scores, real* probs) {
  for (long i = 0; i < head.rows; ++i) {
    real* p = probs + i * head.columns;
    const long n = layout.visible(head.b, i);
    simd::softmax(scores + i * head.columns, p, n);
    std::fill(p + n, p + head.columns, real(0));
  }
}

// ds = p * (dp - sum_j p dp), added to ds.
void softmax_block_backward(const Head& head, const real* p, const real* dp, real* ds) {
  for (long i = 0; i < head.rows * head.columns; i += head.columns)
    simd::softmax_backward(p + i, dp + i, ds + i, head.columns);
}

// Scratch of the calling thread, kept from call to call.
real* scratch(int which, long size) {
  thread_local std::vector<real> space[3];
  if (long(space[which].size()) < size) space[which].resize(size);
  return space[which].data();
}

void head_scores(const Head& head, const Sizes& z, const real* q, const real* k, real scale, real* s) {
  gemm_serial(head.rows, head.columns, z.D, scale, {at(q, head.first_query, head, z.C, z.D), z.C},
              {at(k, head.first_key, head, z.C, z.D), z.C, true}, 0, s, head.columns);
}

// dq += scale ds k,   dk += scale ds^T q
void head_scores_backward(const Head& head, const Sizes& z, const Tensor& q, const Tensor& k, real scale,
                          const real* ds) {
  const MatrixView d{ds, head.columns}, d_transposed{ds, head.columns, true};
  if (q.wants_grad())
    gemm_serial(head.rows, z.D, head.columns, scale, d, {at(k.data(), head.first_key, head, z.C, z.D), z.C}, 1,
                at(q.grad(), head.first_query, head, z.C, z.D), z.C);
  if (k.wants_grad())
    gemm_serial(head.columns, z.D, head.rows, scale, d_transposed,
                {at(q.data(), head.first_query, head, z.C, z.D), z.C}, 1, at(k.grad(), head.first_key, head, z.C, z.D),
                z.C);
}

void head_apply(const Head& head, const Sizes& z, const real* p, const real* v, real* y) {
  gemm_serial(head.rows, z.Dv, head.columns, 1, {p, head.columns}, {at(v, head.first_key, head, z.Cv, z.Dv), z.Cv}, 0,
              at(y, head.first_query, head, z.Cv, z.Dv), z.Cv);
}

// dv += p^T dy; and dp = dy v^T + beta dp
void head_apply_backward(const Head& head, const Sizes& z, const real* p, const Tensor& v, const real* dy, real* dp,
                         real beta) {
  const MatrixView d{at(dy, head.first_query, head, z.Cv, z.Dv), z.Cv};
  if (v.wants_grad())
    gemm_serial(head.columns, z.Dv, head.rows, 1, {p, head.columns, true}, d, 1,
                at(v.grad(), head.first_key, head, z.Cv, z.Dv), z.Cv);
  if (dp)
    gemm_serial(head.rows, head.columns, z.Dv, 1, d, {at(v.data(), head.first_key, head, z.Cv, z.Dv), z.Cv, true}, beta,
                dp, head.columns);
}

// Gradients come into being as zeros on first use; that must not happen inside a parallel loop.
void touch_gradients(std::initializer_list<Tensor> tensors) {
  for (const Tensor& x : tensors)
    if (x.wants_grad()) x.grad();
}

}  // namespace

// attention: every query row is a mean of the value rows of its sequence (Vaswani et al. 2017), head by head.
//   shapes    q [Nq, C]   k [Nk, C]   v [Nk, Cv]   ->   y [Nq, Cv]                      D = C/H, Dv = Cv/H
//   forward   s = scale q k^T,   p = softmax over the visible keys,   y = dropout(p) v
//   backward  with m the dropout's factor (0 or 1/(1-p)):  dv = (m p)^T dy,   dp = m (dy v^T),
//             ds = p (dp - sum_j p dp),   dq = scale ds k,   dk = scale ds^T q
// Nothing of size queries x keys is kept: backward computes the scores of a head again. The heads of all sequences are
// shared out over the threads, each computed by one of them.
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const Ragged& layout, real scale,
                 const DropoutMask& mask) {
  const Sizes z("attention", q, k, v, layout);
  mask.check_probability("attention");
  const long tasks = layout.sequences() * layout.heads;
  Tensor y(Shape{q.dim(0), z.Cv});
  const real *qs = q.data(), *ks = k.data(), *vs = v.data();
  real* ys = y.data();
  parallel_tasks(tasks, [&](long task) {
    const Head head(layout, task);
    const long size = head.rows * head.columns;
    real* p = scratch(0, size);
    head_scores(head, z, qs, ks, scale, p);
    softmax_block(layout, head, p, p);
    if (mask.active()) mask.apply(head.block, size, p, p);
    head_apply(head, z, p, vs, ys);
  });
  const double pairs = 2. * double(layout.size());
  profile_work(pairs * double(z.D + z.Dv));
  return record("attention", {q, k, v}, y, [=](const Tensor& out) {
    profile_work(pairs * double(3 * z.D + 2 * z.Dv));
    const real* dy = out.grad();
    touch_gradients({q, k, v});
    parallel_tasks(tasks, [&](long task) {
      const Head head(layout, task);
      const long size = head.rows * head.columns;
      real *p = scratch(0, size), *dp = scratch(1, size), *dropped = scratch(2, size);
      head_scores(head, z, q.data(), k.data(), scale, p);
      softmax_block(layout, head, p, p);
      if (mask.active()) mask.apply(head.block, size, p, dropped);
      head_apply_backward(head, z, mask.active() ? dropped : p, v, dy, dp, 0);
      if (mask.active()) mask.apply(head.block, size, dp, dp);
      real* ds = dropped;  // no longer needed
      std::fill_n(ds, size, real(0));
      softmax_block_backward(head, p, dp, ds);
      head_scores_backward(head, z, q, k, scale, ds);
    });
  });
}

// attention_scores: s = scale q k^T, for every pair, also those that a causal layout hides later.
//   shapes    q [Nq, C]   k [Nk, C]   ->   s [S]
//   backward  dq = scale ds k,   dk = scale ds^T q
Tensor attention_scores(const Tensor& q, const Tensor& k, const Ragged& layout, real scale) {
  const Sizes z("attention_scores", q, k, {}, layout);
  const long tasks = layout.sequences() * layout.heads;
  Tensor s(Shape{layout.size()});
  const real *qs = q.data(), *ks = k.data();
  real* ss = s.data();
  parallel_tasks(tasks, [&](long task) {
    const Head head(layout, task);
    head_scores(head, z, qs, ks, scale, ss + head.block);
  });
  return record("attention_scores", {q, k}, s, [=](const Tensor& out) {
    const real* ds = out.grad();
    touch_gradients({q, k});
    parallel_tasks(tasks, [&](long task) {
      const Head head(layout, task);
      head_scores_backward(head, z, q, k, scale, ds + head.block);
    });
  });
}

// ragged_softmax: softmax of each query's scores over the keys it may see; the others get probability 0.
//   shapes    s [S]   ->   p [S]
//   backward  ds = p (dp - sum_j p dp)
Tensor ragged_softmax(const Tensor& scores, const Ragged& layout) {
  check(scores.shape() == Shape{layout.size()}, "ragged_softmax: the layout has {} scores; got {}", layout.size(),
        scores);
  const long tasks = layout.sequences() * layout.heads;
  Tensor p(scores.shape());
  const real* ss = scores.data();
  real* ps = p.data();
  parallel_tasks(tasks, [&](long task) {
    const Head head(layout, task);
    softmax_block(layout, head, ss + head.block, ps + head.block);
  });
  return record("ragged_softmax", {scores}, p, [=](const Tensor& out) {
    const real *pv = out.data(), *dp = out.grad();
    real* ds = scores.grad();
    parallel_tasks(tasks, [&](long task) {
      const Head head(layout, task);
      softmax_block_backward(head, pv + head.block, dp + head.block, ds + head.block);
    });
  });
}

// attention_apply: y = p v, head by head.
//   shapes    p [S]   v [Nk, Cv]   ->   y [Nq, Cv]
//   backward  dp = dy v^T,   dv = p^T dy
Tensor attention_apply(const Tensor& probs, const Tensor& v, const Ragged& layout) {
  check(probs.shape() == Shape{layout.size()}, "attention_apply: the layout has {} probabilities; got {}",
        layout.size(), probs);
  const Sizes z("attention_apply", {}, {}, v, layout);
  const long tasks = layout.sequences() * layout.heads;
  Tensor y(Shape{layout.queries.back(), z.Cv});
  const real *ps = probs.data(), *vs = v.data();
  real* ys = y.data();
  parallel_tasks(tasks, [&](long task) {
    const Head head(layout, task);
    head_apply(head, z, ps + head.block, vs, ys);
  });
  return record("attention_apply", {probs, v}, y, [=](const Tensor& out) {
    const real* dy = out.grad();
    touch_gradients({probs, v});
    parallel_tasks(tasks, [&](long task) {
      const Head head(layout, task);
      real* dp = probs.wants_grad() ? probs.grad() + head.block : nullptr;
      head_apply_backward(head, z, probs.data() + head.block, v, dy, dp, 1);
    });
  });
}

}  // namespace engine
