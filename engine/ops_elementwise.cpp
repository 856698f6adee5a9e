// Ops on one number at a time: y = f(x) and y = f(a, b), with the smaller operand repeated, and dropout.
// Read engine/graph.h first: every op computes, then records how its gradient flows back.
#include <cmath>
#include <numbers>

#include "engine/gelu.h"
#include "engine/ops.h"
#include "engine/parallel.h"
#include "engine/simd.h"

namespace engine {
namespace {

// y = f(x),   dx += flow(x, y, dy)
template <class F, class Flow>
Tensor unary(const char* op, const Tensor& x, F f, Flow flow) {
  Tensor y(x.shape());
  const real* xs = x.data();
  real* ys = y.data();
  parallel_blocks(x.numel(), [=](long begin, long end) {
    for (long i = begin; i < end; ++i) ys[i] = f(xs[i]);
  });
  return record(op, {x}, y, [=, kept = y.buffer()](const Tensor& out) {
    const real *xv = x.data(), *yv = kept.data(), *dy = out.grad();
    real* dx = x.grad();
    parallel_blocks(x.numel(), [=](long begin, long end) {
      for (long i = begin; i < end; ++i) dx[i] += flow(xv[i], yv[i], dy[i]);
    });
  });
}

enum class Repeat { none, scalar, row, column };

// How `small` fills the shape of `large`; of two single numbers, that with more axes is large.
bool repeats(const Shape& small, const Shape& large, Repeat& how) {
  if (small == large)
    how = Repeat::none;
  else if (small.numel() == 1 && (large.numel() != 1 || small.rank() < large.rank()))
    how = Repeat::scalar;
  else if (small.rank() == 1 && large.rank() > 0 && small[0] == large[-1])
    how = Repeat::row;
  else if (large.rank() > 0 && small == large.with(-1, 1))
    how = Repeat::column;
  else
    return false;
  return true;
}

// An operand seen from the result [R, C]: where row r begins, and whether it moves along the row.
struct Repeated {
  Repeated(const Tensor& t, Repeat how, long C)
      : data(t.data()),
        row_stride(how == Repeat::none     ? C
                   : how == Repeat::column ? 1
                                           : 0),
        moves(how == Repeat::none || how == Repeat::row) {}
  const real* at(long r, long c) const { return data + r * row_stride + (moves ? c : 0); }
  const real* data;
  long row_stride;
  bool moves;
};

// f(r, c0, c1) over the stretches of rows that make up [R, C], shared out evenly whatever R and C are.
template <class F>
void parallel_stretches(long R, long C, F f) {
  parallel_blocks(R * C, [&](long begin, long end) {
    while (begin < end) {
      const long r = begin / C, c = begin % C, stop = std::min(C, c + end - begin);
      f(r, c, stop);
      begin += stop - c;
    }
  });
}

// out[c] = g(a[c], b[c]), where an operand that does not move is one number.
template <class G>
void zip(const Repeated& a, const Repeated& b, long r, long c0, long c1, G g) {
  const real *av = a.at(r, c0), *bv = b.at(r, c0);
  const long n = c1 - c0;
  if (a.moves && b.moves)
    for (long i = 0; i < n; ++i) g(c0 + i, av[i], bv[i]);
  else if (a.moves)
    for (long i = 0; i < n; ++i) g(c0 + i, av[i], *bv);
  else
    for (long i = 0; i < n; ++i) g(c0 + i, *av, bv[i]);
}

// Adds the gradient g [R, C] of a repeated operand to the operand itself: the sum over its repetitions.
void add_repeated(const real* g, long R, long C, Repeat how, real* dx) {
  if (how == Repeat::row) return add_column_sums(g, R, C, C, dx);
  if (how == Repeat::column)
    return parallel_rows(R, C, [=](long r) {
      constexpr long kShort = 1024;  // of a sum in single precision
      double sum = 0;
      for (long c = 0; c < C; c += kShort) sum += simd::sum(g + r * C + c, std::min(kShort, C - c));
      dx[r] += real(sum);
    });
  dx[0] += real(blockwise_sum(R * C, [=](long begin, long end) { return simd::sum(g + begin, end - begin); }));
}

// y = f(a, b),   da += flow_a(a, b, dy),   db += flow_b(a, b, dy), summed over repetitions
template <class F, class FlowA, class FlowB>
Tensor binary(const char* op, const Tensor& a, const Tensor& b, F f, FlowA flow_a, FlowB flow_b) {
  Repeat how_a = Repeat::none, how_b = Repeat::none;
  const bool b_fits = repeats(b.shape(), a.shape(), how_b);
  check(b_fits || repeats(a.shape(), b.shape(), how_a),
        "{}: shapes must be equal, or one a scalar, a row [C] or a column [..., 1] of the other; got {} and {}", op, a,
        b);
  Tensor y(b_fits ? a.shape() : b.shape());
  const long C = y.shape().rank() ? y.dim(-1) : 1, R = C ? y.numel() / C : 0;
  real* ys = y.data();
  const Repeated left(a, how_a, C), right(b, how_b, C);
  parallel_stretches(R, C, [=](long r, long c0, long c1) {
    zip(left, right, r, c0, c1, [=](long c, real av, real bv) { ys[r * C + c] = f(av, bv); });
  });
  return record(op, {a, b}, y, [=](const Tensor& out) {
    const Repeated l(a, how_a, C), s(b, how_b, C);
    const auto add_to = [&](const Tensor& x, Repeat how, auto flow) {
      if (!x.wants_grad()) return;
      const real* dy = out.grad();
      const Buffer whole = how == Repeat::none ? Buffer() : Buffer(R * C);
      if (whole) whole.zero();
      real* dx = whole ? whole.data() : x.grad();
      parallel_stretches(R, C, [=](long r, long c0, long c1) {
        zip(l, s, r, c0, c1, [=](long c, real av, real bv) { dx[r * C + c] += flow(av, bv, dy[r * C + c]); });
      });
      if (whole) add_repeated(dx, R, C, how, x.grad());
    };
    add_to(a, how_a, flow_a);
    add_to(b, how_b, flow_b);
  });
}

}  // namespace

// y = a + b,   da += dy,   db += dy
Tensor add(const Tensor& a, const Tensor& b) {
  return binary(
      "add", a, b, [](real x, real y) { return x + y; }, [](real, real, real dy) { return dy; },
      [](real, real, real dy) { return dy; });
}

// y = a - b,   da += dy,   db -= dy
Tensor sub(const Tensor& a, const Tensor& b) {
  return binary(
      "sub", a, b, [](real x, real y) { return x - y; }, [](real, real, real dy) { return dy; },
      [](real, real, real dy) { return -dy; });
}

// y = a b,   da += b dy,   db += a dy
Tensor mul(const Tensor& a, const Tensor& b) {
  return binary(
      "mul", a, b, [](real x, real y) { return x * y; }, [](real, real y, real dy) { return y * dy; },
      [](real x, real, real dy) { return x * dy; });
}

// y = a / b,   da += dy / b,   db -= dy (a / b) / b; b^2 would leave the range of floats before that does
Tensor div(const Tensor& a, const Tensor& b) {
  return binary(
      "div", a, b, [](real x, real y) { return x / y; }, [](real, real y, real dy) { return dy / y; },
      [](real x, real y, real dy) { return -dy * ((x / y) / y); });
}

// y = factor x,   dx += factor dy
Tensor scale(const Tensor& x, real factor) {
  return unary(
      "scale", x, [=](real v) { return v * factor; }, [=](real, real, real dy) { return factor * dy; });
}

// y = -x,   dx -= dy
Tensor neg(const Tensor& x) {
  return unary(
      "neg", x, [](real v) { return -v; }, [](real, real, real dy) { return -dy; });
}

// y = e^x,   dx += y dy
Tensor exp(const Tensor& x) {
  return unary(
      "exp", x, [](real v) { return simd::exp(v); }, [](real, real y, real dy) { return y * dy; });
}

// y = log x,   dx += dy / x
Tensor log(const Tensor& x) {
  return unary(
      "log", x, [](real v) { return std::log(v); }, [](real v, real, real dy) { return dy / v; });
}

// y = sqrt x,   dx += dy / (2 y)
Tensor sqrt(const Tensor& x) {
  return unary(
      "sqrt", x, [](real v) { return std::sqrt(v); }, [](real, real y, real dy) { return dy / (2 * y); });
}

// xlogx: y = x log x, and 0 at x = 0; minus its sum is an entropy.   dx += (log x + 1) dy, 0 at 0
Tensor xlogx(const Tensor& x) {
  return unary(
      "xlogx", x, [](real v) { return v == 0 ? real(0) : v * std::log(v); },
      [](real v, real, real dy) { return v == 0 ? real(0) : (std::log(v) + 1) * dy; });
}

// y = x^p,   dx = p x^(p-1) dy
Tensor pow(const Tensor& x, real exponent) {
  return unary(
      "pow", x, [=](real v) { return std::pow(v, exponent); },
      [=](real v, real, real dy) { return exponent == 0 ? real(0) : exponent * std::pow(v, exponent - 1) * dy; });
}

// y = tanh(x),   dx = (1 - y^2) dy
Tensor tanh(const Tensor& x) {
  return unary(
      "tanh", x, [](real v) { return simd::tanh(v); }, [](real, real y, real dy) { return (1 - y * y) * dy; });
}

// y = 1 / (1 + e^-x),   dx = y (1 - y) dy
Tensor sigmoid(const Tensor& x) {
  return unary(
      "sigmoid", x, [](real v) { return 1 / (1 + simd::exp(-v)); },
      [](real, real y, real dy) { return y * (1 - y) * dy; });
}

// y = max(x, 0), NaN stays NaN,   dx += dy, but 0 where x <= 0
Tensor relu(const Tensor& x) {
  return unary(
      "relu", x, [](real v) { return v > 0    ? v
                                     : v == v ? real(0)
                                              : v; },
      [](real v, real, real dy) { return v <= 0 ? real(0) : dy; });
}

// silu: y = x s with s = sigmoid(x),   dx = s (1 + x (1 - s)) dy   (Elfwing, Uchibe, Doya 2018)
Tensor silu(const Tensor& x) {
  return unary(
      "silu", x, [](real v) { return v / (1 + simd::exp(-v)); },
      [](real v, real, real dy) {
        const real s = 1 / (1 + simd::exp(-v));
        return s * (1 + v * (1 - s)) * dy;
      });
}

// y = x P(x),   dx = (P(x) + x P'(x)) dy, P the normal distribution function: engine/gelu.h
Tensor gelu(const Tensor& x) {
  return unary(
      "gelu", x, [](real v) { return gelu_at(v).value; }, [](real v, real, real dy) { return gelu_at(v).slope * dy; });
}

// gelu_tanh: y = x (1 + t) / 2 with t = tanh(u), u = k (x + 0.044715 x^3), k = sqrt(2 / pi),
//            dx = ((1 + t) + x (1 - t^2) k (1 + 3 * 0.044715 x^2)) / 2 dy   (the same paper, section 2)
Tensor gelu_tanh(const Tensor& x) {
  constexpr real k = real(std::numbers::sqrt2 * std::numbers::inv_sqrtpi), cubic = real(0.044715);
  return unary(
      "gelu_tanh", x, [](real v) { return real(0.5) * v * (1 + simd::tanh(k * (v + cubic * v * v * v))); },
      [](real v, real, real dy) {
        const real t = simd::tanh(k * (v + cubic * v * v * v));
        return real(0.5) * (1 + t + v * (1 - t * t) * k * (1 + 3 * cubic * v * v)) * dy;
      });
}

// dropout: y = m x / (1 - p), m = 1 with probability 1 - p, else 0;   dx = m dy / (1 - p)   (Srivastava et al. 2014)
// The mask is drawn again in backward: it is a function of the mask's counter and the index.
Tensor dropout(const Tensor& x, const DropoutMask& mask) {
  mask.check_probability("dropout");
  if (!mask.active()) return x;
  Tensor y(x.shape());
  const real* xs = x.data();
  real* ys = y.data();
  parallel_blocks(x.numel(), [=](long begin, long end) { mask.apply(begin, end - begin, xs + begin, ys + begin); });
  return record("dropout", {x}, y, [=, x = x.without_values()](const Tensor& out) {
    real* dy = out.grad();
    const auto dx = x.grad_accumulator();
    parallel_blocks(x.numel(), [=](long begin, long end) {
      real* masked = dy + begin;  // dy is not needed any more
      mask.apply(begin, end - begin, masked, masked);
      simd::accumulate(dx.data + begin, masked, end - begin, dx.beta);
    });
  });
}

}  // namespace engine
