// First values of adapters. Read nn/adapter.h first: the formulas.
#include "nn/adapter.h"

namespace nn {

constexpr real kAdapterDeviation = 0.01;  // as published

Adapter::Adapter(Scope at, long C, long width)
    : down(at / "down", C, width, kAdapterDeviation), up(at / "up", width, C, kAdapterDeviation) {}

}  // namespace nn
