// Attention over packed sequences: the fused form, which never stores a probability, and the open form, where scores
// and probabilities are tensors that a loss can stand on. Read engine/ragged.h first.
#include <array>
#include <cmath>

#include "engine/blas.h"
#include "engine/ops.h"
#include "engine/parallel.h"
#include "engine/profile.h"
#include "engine/simd.h"

namespace engine {

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

// Where the queries, keys or values lie: `width` columns of the rows of a tensor, from column `first` on.
struct Operand {
  Operand(const Tensor& x_, long first_, long width_, long heads)
      : x(x_), first(first_), width(width_), D(width / heads) {}
  explicit Operand(const Tensor& x_, long heads) : Operand(x_, 0, x_.dim(1), heads) {}
  long stride() const { return x.dim(1); }
  long offset(long row, long h) const { return row * stride() + first + h * D; }
  MatrixView view(long row, long h) const { return {x.data() + offset(row, h), stride()}; }
  bool shares_columns_with(const Operand& o) const {
    return x.is(o.x) && first < o.first + o.width && o.first < first + width;
  }
  Tensor x;
  long first, width, D;
};

MatrixView transposed(MatrixView x) { return {x.data, x.stride, !x.transposed}; }

// Where the gradient of an operand goes. Heads write their own rows and columns, each once; so what is there need not
// be cleared first, unless two operands are one tensor.
struct Gradient {
  explicit operator bool() const { return data != nullptr; }
  real* data = nullptr;
  real beta = 1;
};
template <size_t N>
std::array<Gradient, N> gradients_of(const std::array<const Operand*, N>& operands) {
  std::array<Gradient, N> gradients;
  for (size_t i = 0; i < N; ++i) {
    const Operand& o = *operands[i];
    if (!o.x.wants_grad()) continue;
    bool shares = false;
    for (size_t j = 0; j < N; ++j) {
      if (i != j) shares |= o.shares_columns_with(*operands[j]);
      if (j < i && o.x.is(operands[j]->x)) gradients[i] = gradients[j];
    }
    if (gradients[i]) continue;
    const auto to = o.x.grad_accumulator();
    gradients[i] = {to.data, shares ? 1 : to.beta};
    if (shares && to.beta == 0) std::fill_n(to.data, o.x.numel(), real(0));
  }
  return gradients;
}

void check_operand(const char* op, const char* which, const Tensor& x, const Indices& offsets, long heads) {
  check(heads > 0, "{}: the layout is of nothing", op);
  check(x.shape().rank() == 2 && x.dim(0) == offsets.back() && x.dim(1) % heads == 0,
        "{}: {} must be [{}, a multiple of {} heads]; got {}", op, which, offsets.back(), heads, x);
}

void check_queries_and_keys(const char* op, const Tensor& q, const Tensor& k, const Tensor& v, const Ragged& layout) {
  check_operand(op, "q", q, layout.queries, layout.heads);
  check_operand(op, "k", k, layout.keys, layout.heads);
  check(k.dim(1) == q.dim(1), "{}: q and k must be equally wide; got {} and {}", op, q, k);
  // Heads write their own rows of each gradient; rows of one tensor that belong to two sequences would be a race.
  check(layout.queries == layout.keys || (!q.is(k) && !(v && q.is(v))),
        "{}: queries and keys may be one tensor only if their offsets are equal; got {}", op, q);
}

// The block of one head, row by row; in scratch, rows end in room for whole vectors.
struct Block {
  real* data;
  long stride;
  real* row(long i) const { return data + i * stride; }
  MatrixView view() const { return {data, stride}; }
};

// Scratch of the calling thread, kept from call to call.
Block scratch(int which, long rows, long columns) {
  thread_local std::vector<real> space[3];
  const long stride = (columns + 15) / 16 * 16;
  if (long(space[which].size()) < rows * stride) space[which].resize(rows * stride);
  return {space[which].data(), stride};
}

// Consecutive queries of one head and the keys that any of them sees: the first `globals` keys, then `keys` keys from
// first_key on. In a block they stand side by side.
struct Stretch {
  long row, rows, globals, first_key, keys;
  long columns() const { return globals + keys; }
  // f(first column, first key, count) for the keys that lie together
  template <class F>
  void for_each_range(F f) const {
    if (globals) f(0, 0, globals);
    f(globals, first_key, keys);
  }
};

Stretch all_of(const Head& head) { return {0, head.rows, 0, 0, head.columns}; }

// A head whose queries see everything is one stretch. A window is cut into stretches about as high as it is wide to one
// side, so that two thirds of what is computed is seen; the rest of the square is never touched.
template <class F>
void for_each_stretch(const Ragged& layout, const Head& head, F f) {
  if (!layout.local()) return f(all_of(head));
  const long w = layout.window, g = std::min(layout.globals, head.rows), height = std::clamp(w, 16L, 64L);
  if (g) f(Stretch{0, g, 0, 0, head.columns});
  for (long row = g; row < head.rows; row += height) {
    const long rows = std::min(height, head.rows - row);
    const long first = std::max(0L, row - w), last = std::min(head.columns, row + rows + w);
    f(first <= g ? Stretch{row, rows, 0, 0, last} : Stretch{row, rows, g, first, last - first});
  }
}

// s = scale q k^T for the queries and keys of a stretch
void scores_forward(const Head& head, const Stretch& part, const Operand& q, const Operand& k, real scale, Block s) {
  part.for_each_range([&](long column, long key, long count) {
    gemm_serial(part.rows, count, q.D, scale, q.view(head.first_query + part.row, head.h),
                transposed(k.view(head.first_key + key, head.h)), 0, s.data + column, s.stride);
  });
}

// dq += scale ds k,   dk += scale ds^T q
void scores_backward(const Head& head, const Stretch& part, const Operand& q, const Operand& k, Gradient dq,
                     Gradient dk, real scale, Block ds) {
  const long query = head.first_query + part.row;
  real beta = dq.beta;
  part.for_each_range([&](long column, long key, long count) {
    const MatrixView slopes{ds.data + column, ds.stride};
    if (dq)
      gemm_serial(part.rows, q.D, count, scale, slopes, k.view(head.first_key + key, head.h), beta,
                  dq.data + q.offset(query, head.h), q.stride());
    if (dk)
      gemm_serial(count, k.D, part.rows, scale, transposed(slopes), q.view(query, head.h), dk.beta,
                  dk.data + k.offset(head.first_key + key, head.h), k.stride());
    beta = 1;
  });
}

// Probabilities from scores, in place. Keys that a query must not see, and the room behind a row, get 0.
void softmax_rows(const Ragged& layout, const Head& head, const Stretch& part, Block p) {
  constexpr real kHidden = -std::numeric_limits<real>::infinity();
  for (long i = 0; i < part.rows; ++i) {
    real* row = p.row(i);
    const Ragged::Seen seen = layout.seen(head.b, part.row + i);
    const long shift = part.globals - part.first_key;  // from a key to its column
    std::fill(row + seen.globals, row + std::max(seen.globals, seen.first + shift), kHidden);
    std::fill(row + seen.last + shift, row + p.stride, kHidden);
    simd::softmax(row, row, p.stride);
  }
}

// The dropout factors of a stretch; entry (query, key) of a head has one number, whatever the stretches.
void dropout_factors(const DropoutMask& mask, const Head& head, const Stretch& part, Block& factors) {
  if (part.rows == head.rows && part.keys == head.columns) {
    factors.stride = head.columns;
    return mask.factors(head.block, head.rows * head.columns, factors.data);
  }
  for (long i = 0; i < part.rows; ++i)
    part.for_each_range([&](long column, long key, long count) {
      mask.factors(head.block + (part.row + i) * head.columns + key, count, factors.row(i) + column);
    });
}

// to = x times the factors
void drop(const Stretch& part, Block x, Block factors, Block to) {
  for (long i = 0; i < part.rows; ++i) {
    const real *from = x.row(i), *f = factors.row(i);
    real* y = to.row(i);
    for (long j = 0; j < part.columns(); ++j) y[j] = from[j] * f[j];
  }
}

// With several stretches a key's gradient arrives in parts: what is there must be a number to add to.
Gradient ready_to_add(Gradient d, const Ragged& layout, const Head& head, const Operand& o) {
  if (!d || d.beta != 0 || !layout.local()) return d;
  for (long key = 0; key < head.columns; ++key)
    std::fill_n(d.data + o.offset(head.first_key + key, head.h), o.D, real(0));
  return {d.data, 1};
}

// dp becomes ds = p (dp - sum_j p dp), row by row. The room behind a row of p holds zeros.
void softmax_slopes(const Stretch& part, Block p, Block dp) {
  for (long i = 0; i < part.rows; ++i) {
    real *slopes = dp.row(i), *probs = p.row(i);
    std::fill(slopes + part.columns(), slopes + dp.stride, real(0));
    const real along = simd::dot(probs, slopes, dp.stride);
    for (long j = 0; j < dp.stride; ++j) slopes[j] = probs[j] * (slopes[j] - along);
  }
}

// y = dropout(softmax(scale q k^T)) v, stretch by stretch; see attention().
struct FusedAttention {
  Operand q, k, v;
  Ragged layout;
  real scale;
  DropoutMask mask;

  // p = softmax of the scores, and the factors of the dropout
  void probabilities(const Head& head, const Stretch& part, Block p, Block& factors) const {
    scores_forward(head, part, q, k, scale, p);
    softmax_rows(layout, head, part, p);
    if (mask.active()) dropout_factors(mask, head, part, factors);
  }

  // Where the rows of a stretch lie in y or dy.
  template <class T>
  T* rows_of(const Head& head, const Stretch& part, T* y) const {
    return y + (head.first_query + part.row) * v.width + head.h * v.D;
  }

  // y of a stretch; `received`, if any, is what this head gives to every key so far.    [Nk]
  void forward(const Head& head, const Stretch& part, real* y, real* received) const {
    const Block p = scratch(0, part.rows, part.columns());
    Block factors = scratch(1, part.rows, part.columns());
    probabilities(head, part, p, factors);
    part.for_each_range([&](long column, long key, long count) {
      for (long i = 0; received && i < part.rows; ++i)
        simd::add(received + head.first_key + key, p.row(i) + column, count);
    });
    if (mask.active()) drop(part, p, factors, p);
    real beta = 0;
    part.for_each_range([&](long column, long key, long count) {
      gemm_serial(part.rows, v.D, count, 1, {p.data + column, p.stride}, v.view(head.first_key + key, head.h), beta,
                  rows_of(head, part, y), v.width);
      beta = 1;
    });
  }

  // dq, dk, dv of a stretch, each if it is wanted
  void backward(const Head& head, const Stretch& part, const real* dy, Gradient dq, Gradient dk, Gradient dv) const {
    const long rows = part.rows, columns = part.columns();
    const Block p = scratch(0, rows, columns), dp = scratch(2, rows, columns);
    Block factors = scratch(1, rows, columns);
    const MatrixView d{rows_of(head, part, dy), v.width};
    probabilities(head, part, p, factors);
    const Block dropped = mask.active() ? dp : p;  // dp is not needed yet
    if (mask.active()) drop(part, p, factors, dropped);
    if (dv)
      part.for_each_range([&](long column, long key, long count) {
        gemm_serial(count, v.D, rows, 1, {dropped.data + column, dropped.stride, true}, d, dv.beta,
                    dv.data + v.offset(head.first_key + key, head.h), v.stride());
      });
    part.for_each_range([&](long column, long key, long count) {
      gemm_serial(rows, count, v.D, 1, d, transposed(v.view(head.first_key + key, head.h)), 0, dp.data + column,
                  dp.stride);
    });
    if (mask.active()) drop(part, dp, factors, dp);
    softmax_slopes(part, p, dp);
    scores_backward(head, part, q, k, dq, dk, scale, dp);
  }
};

Tensor attend(const char* op, const std::vector<Tensor>& inputs, const FusedAttention& a, Tensor* received = nullptr) {
  a.mask.check_probability(op);
  const long H = a.layout.heads, tasks = a.layout.sequences() * H, Nk = a.layout.keys.back();
  Tensor y(Shape{a.layout.queries.back(), a.v.width});
  const Tensor of_heads = received ? Tensor::zeros({H, Nk}) : Tensor();  // what each key receives from each head
  real *ys = y.data(), *sums = received ? of_heads.data() : nullptr;
  parallel_tasks(tasks, [&](long task) {
    const Head head(a.layout, task);
    for_each_stretch(a.layout, head,
                     [&](const Stretch& part) { a.forward(head, part, ys, sums ? sums + head.h * Nk : nullptr); });
  });
  if (received) *received = sum(of_heads, 0).detach();  // [H, Nk] -> [Nk]
  const double pairs = 2. * double(a.layout.pairs());
  profile_work(pairs * double(a.q.D + a.v.D));
  return record(op, inputs, y, [=](const Tensor& out) {
    profile_work(pairs * double(3 * a.q.D + 2 * a.v.D));
    const real* dy = out.grad();
    const auto [dq, to_k, to_v] = gradients_of<3>({&a.q, &a.k, &a.v});
    parallel_tasks(tasks, [&, dq = dq, to_k = to_k, to_v = to_v](long task) {
      const Head head(a.layout, task);
      const Gradient dk = ready_to_add(to_k, a.layout, head, a.k), dv = ready_to_add(to_v, a.layout, head, a.v);
      for_each_stretch(a.layout, head, [&](const Stretch& part) { a.backward(head, part, dy, dq, dk, dv); });
    });
  });
}

}  // namespace

// attention: every query row is a mean of the value rows of its sequence (Vaswani et al. 2017), head by head.
//   shapes    q [Nq, C]   k [Nk, C]   v [Nk, Cv]   ->   y [Nq, Cv]                      D = C/H, Dv = Cv/H
//   forward   s = scale q k^T,   p = softmax over the visible keys,   y = dropout(p) v
//   backward  with m the dropout's factor (0 or 1/(1-p)):  dv = (m p)^T dy,   dp = m (dy v^T),
//             ds = p (dp - sum_j p dp),   dq = scale ds k,   dk = scale ds^T q
// Of a layout with a window (Ragged::within) only the band and the global rows and columns are computed.
// Nothing of size queries x keys is kept: backward computes the scores of a head again. The heads of all sequences are
// shared out over the threads, each computed by one of them.
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const Ragged& layout, real scale,
                 const DropoutMask& mask) {
  check_queries_and_keys("attention", q, k, v, layout);
  check_operand("attention", "v", v, layout.keys, layout.heads);
  const long H = layout.heads;
  return attend("attention", {q, k, v}, {Operand(q, H), Operand(k, H), Operand(v, H), layout, scale, mask});
}

// self_attention: the same with queries, keys and values side by side in one tensor, as linears() makes them.
//   shapes    qkv [N, 3 C]   ->   y [N, C],   received [N]
// `received`, if asked for, is the attention that each token receives: p summed over heads and queries, before dropout,
// without a gradient (the significance of Goyal et al. 2020). A pass over p while it is in the cache.
Tensor self_attention(const Tensor& qkv, const Ragged& layout, real scale, const DropoutMask& mask, Tensor* received) {
  const long H = layout.heads;
  check(H > 0, "self_attention: the layout is of nothing");
  check(layout.queries == layout.keys && qkv.shape().rank() == 2 && qkv.dim(0) == layout.queries.back() &&
            qkv.dim(1) % (3 * H) == 0,
        "self_attention: qkv must be [{}, three times a multiple of {} heads], queries and keys alike; got {}",
        layout.queries.back(), H, qkv);
  const long C = qkv.dim(1) / 3;
  return attend("self_attention", {qkv},
                {Operand(qkv, 0, C, H), Operand(qkv, C, C, H), Operand(qkv, 2 * C, C, H), layout, scale, mask},
                received);
}

// cross_attention: the same with keys and values side by side in one tensor.
//   shapes    q [Nq, C]   kv [Nk, 2 C]   ->   y [Nq, C]
Tensor cross_attention(const Tensor& q, const Tensor& kv, const Ragged& layout, real scale, const DropoutMask& mask) {
  const long H = layout.heads, C = q.dim(-1);
  check_operand("cross_attention", "q", q, layout.queries, H);
  check(kv.shape() == Shape({layout.keys.back(), 2 * C}), "cross_attention: kv must be [{}, {}] beside q {}; got {}",
        layout.keys.back(), 2 * C, q, kv);
  return attend("cross_attention", {q, kv},
                {Operand(q, H), Operand(kv, 0, C, H), Operand(kv, C, C, H), layout, scale, mask});
}

// attention_scores: s = scale q k^T, for every pair, also those that the layout hides later.
//   shapes    q [Nq, C]   k [Nk, C]   ->   s [S]
//   backward  dq = scale ds k,   dk = scale ds^T q
Tensor attention_scores(const Tensor& q, const Tensor& k, const Ragged& layout, real scale) {
  check_queries_and_keys("attention_scores", q, k, {}, layout);
  const Operand queries(q, layout.heads), keys(k, layout.heads);
  const long tasks = layout.sequences() * layout.heads;
  Tensor s(Shape{layout.size()});
  real* ss = s.data();
  parallel_tasks(tasks, [&](long task) {
    const Head head(layout, task);
    scores_forward(head, all_of(head), queries, keys, scale, {ss + head.block, head.columns});
  });
  return record("attention_scores", {q, k}, s, [=](const Tensor& out) {
    real* ds = out.grad();
    const auto [dq, dk] = gradients_of<2>({&queries, &keys});
    parallel_tasks(tasks, [&, dq = dq, dk = dk](long task) {
      const Head head(layout, task);
      scores_backward(head, all_of(head), queries, keys, dq, dk, scale, {ds + head.block, head.columns});
    });
  });
}

// attention_apply: y = p v, head by head.
//   shapes    p [S]   v [Nk, Cv]   ->   y [Nq, Cv]
//   backward  dp = dy v^T,   dv = p^T dy
Tensor attention_apply(const Tensor& probs, const Tensor& v, const Ragged& layout) {
  check(probs.shape() == Shape{layout.size()}, "attention_apply: the layout has {} probabilities; got {}",
        layout.size(), probs);
  check_operand("attention_apply", "v", v, layout.keys, layout.heads);
  const Operand values(v, layout.heads);
  const long tasks = layout.sequences() * layout.heads, width = v.dim(1);
  Tensor y(Shape{layout.queries.back(), width});
  const real* ps = probs.data();
  real* ys = y.data();
  parallel_tasks(tasks, [&](long task) {
    const Head head(layout, task);
    gemm_serial(head.rows, values.D, head.columns, 1, {ps + head.block, head.columns},
                values.view(head.first_key, head.h), 0, ys + head.first_query * width + head.h * values.D, width);
  });
  return record("attention_apply", {probs, v}, y, [=](const Tensor& out) {
    const real* dy = out.grad();
    const auto [dv] = gradients_of<1>({&values});
    const auto dp = probs.wants_grad() ? probs.grad_accumulator() : Tensor::Accumulator{};
    parallel_tasks(tasks, [&, dv = dv](long task) {
      const Head head(layout, task);
      const MatrixView d{dy + head.first_query * width + head.h * values.D, width};
      if (dv)
        gemm_serial(head.columns, values.D, head.rows, 1, {probs.data() + head.block, head.columns, true}, d, dv.beta,
                    dv.data + values.offset(head.first_key, head.h), width);
      if (dp.data)
        gemm_serial(head.rows, head.columns, values.D, 1, d, transposed(values.view(head.first_key, head.h)), dp.beta,
                    dp.data + head.block, head.columns);
    });
  });
}

}  // namespace engine
