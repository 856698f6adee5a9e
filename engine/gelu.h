// gelu and its slope for one number, shared by the plain op and the fused one. The loops around them vectorise.
#pragma once

#include <numbers>

#include "engine/simd.h"

namespace engine {

// value  x P with P = (1 + erf(x / sqrt 2)) / 2, the normal distribution function   (Hendrycks, Gimpel 2016)
// slope  P + x e^{-x^2/2} / sqrt(2 pi)
struct Gelu {
  real value, slope;
};
inline Gelu gelu_at(real x) {
  constexpr real kRootHalf = real(std::numbers::sqrt2 / 2);
  constexpr real kDensity = real(std::numbers::inv_sqrtpi * std::numbers::sqrt2 / 2);  // 1 / sqrt(2 pi)
  const real P = real(0.5) + real(0.5) * simd::erf(x * kRootHalf);
  return {x * P, P + x * kDensity * simd::exp(real(-0.5) * x * x)};
}

}  // namespace engine
