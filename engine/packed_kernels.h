// The micro-kernels behind engine/packed.h: a block of y, few rows by one or two panels of columns, stays in registers
// while the inputs run. There is a table of them for each instruction set; what they compute is the same, bit for bit.
#pragma once

#include <cstdint>

#include "engine/base.h"

namespace engine::packed {

constexpr long kColumns = 16;                   // outputs of a panel: a cache line of float32
constexpr long kGroup = 4;                      // inputs of int8 that stand together: what vpdpbusd takes at once
constexpr int kMostRows = 32, kMostPanels = 2;  // of a block
constexpr long kWide = kMostPanels * kColumns;  // columns of a block in memory

// block[r, j] = start[j] + sum_i x[r, i] w[i, j]: a chain of fused multiply-adds from the first input to the last.
//   x [R, depth], rows `stride` apart   panels [depth, 16] each, `next` numbers apart   start [32]   block [R, 32]
// `fetch`: panels that come after these, brought into the cache on the way, or these.
using FloatKernel = void (*)(long depth, const real* x, long stride, const real* panels, long next, const real* fetch,
                             const real* start, real* block);

// block[r, j] = sum_i x[r, i] w[i, j] in int32, exact; x in [-127, 127], w any int8. x comes as it is; or where the
// table says `biased` as bytes x + 128, and `start`, -128 sum_i w[i, j], takes the excess away.
//   x [R, 4 groups], rows `stride` bytes apart   panels [groups, 16, 4], `next` bytes apart   start [32] block [R, 32]
using ByteKernel = void (*)(long groups, const uint8_t* x, long stride, const int8_t* panels, long next,
                            const int8_t* fetch, const int32_t* start, int32_t* block);

template <class Kernel>
struct Table {
  int rows, panels;                   // of the largest block
  Kernel of[kMostPanels][kMostRows];  // [panels - 1][rows - 1]
};
struct Kernels {
  Table<FloatKernel> floats;
  Table<ByteKernel> bytes;
  bool biased;
};

extern const Kernels kPortable;  // the twin of the others, and what a processor without AVX2 has
#if defined(__x86_64__) && !defined(REAL_IS_DOUBLE)
extern const Kernels kAvx2, kAvx512;  // AVX-512 with VNNI
const Kernels& amx();                 // AVX-512's for float32; int8 by tiles
bool amx_allowed();                   // a processor that has tiles, and a system that lets this process use them
#endif

}  // namespace engine::packed
