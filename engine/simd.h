// exp, erf and tanh without branches or library calls, so that the compiler turns a loop over a row into vector code;
// sums and maxima over a row in a fixed order. The doubles, which only the gradient checks use, go to <cmath>.
//
// Bounds, sampled by tests/engine/numbers.cpp: exp 2 ulp over its range; erf and tanh 2e-7 absolute. The polynomials
// are minimax fits (weighted least squares, Lawson's iteration) of (e^r - 1 - r) / r^2, (tanh x - x) / x^3, erf(x) / x
// - 1 and log erfc(t).
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "engine/base.h"

namespace engine::simd {

inline double exp(double x) { return std::exp(x); }
inline double erf(double x) { return std::erf(x); }
inline double tanh(double x) { return std::tanh(x); }

// e^x = 2^n e^r with n = round(x / ln 2), so |r| <= ln 2 / 2; for x from -86.6 to 88.73 and nothing else.
inline float exp_in_range(float x) {
  constexpr float kRound = 12582912.f;  // 1.5 * 2^23: adding it rounds to an integer, in the low bits of the sum
  const float shifted = x * 1.44269504f + kRound;
  const float n = shifted - kRound;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;  // ln 2 in two parts, the first exact in 9 bits
  float p = 1.99155795e-4f;
  p = p * r + 1.394613296e-3f;
  p = p * r + 8.333269507e-3f;
  p = p * r + 4.1666269302e-2f;
  p = p * r + 1.666666716e-1f;
  p = p * r + 0.5f;
  p = p * r * r + r + 1.f;
  const uint32_t exponent = (std::bit_cast<uint32_t>(shifted) - 1u) << 23;  // n - 1, for n = 128 does not fit
  return std::bit_cast<float>(std::bit_cast<uint32_t>(p) + exponent) * 2.f;
}

// Below -86.6 the result is 0, above 88.73 infinity.
inline float exp(float x) {
  float y = exp_in_range(x);
  y = x < -86.6f ? 0.f : y;
  y = x > 88.7228317f ? std::numeric_limits<float>::infinity() : y;
  return x == x ? y : x;
}

// Near zero an odd polynomial; elsewhere 1 - e^{log erfc |x|}. Beyond 4 it is 1 to the last bit.
inline float erf(float x) {
  const float s = x * x;
  float small = 8.345216338e-5f;
  small = small * s - 8.137435652e-4f;
  small = small * s + 5.200634245e-3f;
  small = small * s - 2.685927041e-2f;
  small = small * s + 1.128369421e-1f;
  small = small * s - 3.761263490e-1f;
  small = small * s + 1.283791661e-1f;
  small = small * x + x;
  const float t = std::min(std::abs(x), 4.f);
  float log_erfc = 1.971857419e-4f;
  log_erfc = log_erfc * t - 3.055644222e-3f;
  log_erfc = log_erfc * t + 2.227722295e-2f;
  log_erfc = log_erfc * t - 1.040376201e-1f;
  log_erfc = log_erfc * t - 6.370594501e-1f;
  log_erfc = log_erfc * t - 1.127749681f;
  log_erfc = log_erfc * t - 1.774607081e-4f;
  const float large = std::copysign(1.f - exp_in_range(log_erfc), x);  // log erfc(t) is -18 to 0
  return s < 0.81f ? small : x == x ? large : x;
}

// Near zero an odd polynomial, where 1 - 2 / (e^{2x} + 1) would cancel.
inline float tanh(float x) {
  const float s = x * x;
  float small = -5.717011169e-3f;
  small = small * s + 2.065055445e-2f;
  small = small * s - 5.374348536e-2f;
  small = small * s + 1.333149076e-1f;
  small = small * s - 3.333328366e-1f;
  small = small * s * x + x;
  const float large = std::copysign(1.f - 2.f / (exp_in_range(2.f * std::min(std::abs(x), 20.f)) + 1.f), x);
  return s < 0.390625f ? small : x == x ? large : x;
}

// Reductions over n contiguous numbers. The order is the compiler's vector width, fixed in the binary.
inline real sum(const real* x, long n) {
  real s = 0;
#pragma omp simd reduction(+ : s)
  for (long i = 0; i < n; ++i) s += x[i];
  return s;
}

inline real dot(const real* x, const real* y, long n) {
  real s = 0;
#pragma omp simd reduction(+ : s)
  for (long i = 0; i < n; ++i) s += x[i] * y[i];
  return s;
}

inline real max(const real* x, long n) {
  real m = -std::numeric_limits<real>::infinity();
#pragma omp simd reduction(max : m)
  for (long i = 0; i < n; ++i) m = x[i] > m ? x[i] : m;
  return m;
}

// The sum of e^{x - shift}.
inline real exp_sum(const real* x, real shift, long n) {
  real s = 0;
#pragma omp simd reduction(+ : s)
  for (long i = 0; i < n; ++i) s += exp(x[i] - shift);
  return s;
}

// y = e^{x - shift}, returns the sum of y. x and y may be the same.
inline real exp_sum(const real* x, real shift, real* y, long n) {
  real s = 0;
#pragma omp simd reduction(+ : s)
  for (long i = 0; i < n; ++i) {
    const real e = exp(x[i] - shift);
    y[i] = e;
    s += e;
  }
  return s;
}

inline void add(real* y, const real* x, long n) {
  for (long i = 0; i < n; ++i) y[i] += x[i];
}

// y = x + beta y with beta 0 or 1; with 0, y may be anything.
inline void accumulate(real* y, const real* x, long n, real beta) {
  if (beta == 0)
    std::copy_n(x, n, y);
  else
    add(y, x, n);
}

inline void scale(real* y, real factor, long n) {
  for (long i = 0; i < n; ++i) y[i] *= factor;
}

// y_i = e^{x_i - max} / sum_j e^{x_j - max} for one row; subtracting the maximum changes nothing but the range. x and y
// may be the same.
inline void softmax(const real* x, real* y, long n) {
  const real total = exp_sum(x, max(x, n), y, n);
  scale(y, 1 / total, n);
}

// dx += y * (dy - sum_j y dy)
inline void softmax_backward(const real* y, const real* dy, real* dx, long n) {
  const real along = dot(y, dy, n);
  for (long i = 0; i < n; ++i) dx[i] += y[i] * (dy[i] - along);
}

}  // namespace engine::simd
