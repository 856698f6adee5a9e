// AMX: 32 rows by 32 columns of int32 are four of the eight tiles; the others hold the rows of x and the panels, 64
// inputs at a time. A panel of int8 is laid out as a tile wants it. Read engine/packed_kernels.h first: what the kernels
// compute.
#include "engine/packed_kernels.h"

#if defined(__x86_64__) && !defined(REAL_IS_DOUBLE)
#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#define ATTUNE_AMX __attribute__((target("amx-tile,amx-int8,avx512f")))

namespace engine::packed {
namespace tiles {  // its neighbours have names like these
namespace {

constexpr int kTile = 16;         // rows of a tile, and the groups of 4 bytes in a row of it
constexpr long kTileBytes = 64;   // of a row
constexpr int kRows = 2 * kTile;  // of a block

// What LDTILECFG reads: of every tile its rows and the bytes of a row.
struct alignas(64) Shapes {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t bytes[16] = {};
  uint8_t rows[16] = {};
};

// Tiles 0 to 3: the sums, [2 p + r] of panel p and half r of the rows; 4 and 5: the rows; 6 and 7: the panels.
Shapes shapes(int rows, long groups) {
  Shapes s;
  const int upper = std::min(rows, kTile), lower = rows - upper;
  for (int p = 0; p < 2; ++p) {
    s.rows[2 * p] = uint8_t(upper);
    s.rows[2 * p + 1] = uint8_t(lower);
    s.bytes[2 * p] = kTileBytes;
    s.bytes[2 * p + 1] = uint16_t(lower ? kTileBytes : 0);
    s.rows[6 + p] = uint8_t(groups);
    s.bytes[6 + p] = kTileBytes;
  }
  s.rows[4] = uint8_t(upper);
  s.rows[5] = uint8_t(lower);
  s.bytes[4] = uint16_t(groups * kGroup);
  s.bytes[5] = uint16_t(lower ? groups * kGroup : 0);
  return s;
}

ATTUNE_AMX void configure(const Shapes& shapes) {
  asm volatile("" : : "r"(&shapes) : "memory");  // gcc 12 believes that the next line reads 8 bytes of the 64
  _tile_loadconfig(&shapes);
}

template <int P, bool TwoHalves>
ATTUNE_AMX void add_products(const uint8_t* x, long stride, const int8_t* panels, long next) {
  _tile_loadd(4, x, stride);
  if constexpr (TwoHalves) _tile_loadd(5, x + kTile * stride, stride);
  _tile_loadd(6, panels, kTileBytes);
  _tile_dpbssd(0, 4, 6);
  if constexpr (TwoHalves) _tile_dpbssd(1, 5, 6);
  if constexpr (P == 2) {
    _tile_loadd(7, panels + next, kTileBytes);
    _tile_dpbssd(2, 4, 7);
    if constexpr (TwoHalves) _tile_dpbssd(3, 5, 7);
  }
}

// The inputs that no whole tile holds come first: other shapes would forget the sums, so these are stored and loaded.
template <int P, int R>
ATTUNE_AMX void bytes(long groups, const uint8_t* x, long stride, const int8_t* panels, long next, const int8_t*,
                      const int32_t*, int32_t* block) {
  constexpr bool kTwo = R > kTile;
  constexpr long kApart = kWide * long(sizeof(int32_t));
  int32_t* lower = block + kTile * kWide;
  const auto store = [=]() ATTUNE_AMX {
    _tile_stored(0, block, kApart);
    if constexpr (kTwo) _tile_stored(1, lower, kApart);
    if constexpr (P == 2) _tile_stored(2, block + kColumns, kApart);
    if constexpr (P == 2 && kTwo) _tile_stored(3, lower + kColumns, kApart);
  };
  const long left = groups % kTile;
  if (left) {
    configure(shapes(R, left));
    add_products<P, kTwo>(x, stride, panels, next);
    store();
    if (left == groups) return _tile_release();
  }
  configure(shapes(R, kTile));
  if (left) {
    _tile_loadd(0, block, kApart);
    if constexpr (kTwo) _tile_loadd(1, lower, kApart);
    if constexpr (P == 2) _tile_loadd(2, block + kColumns, kApart);
    if constexpr (P == 2 && kTwo) _tile_loadd(3, lower + kColumns, kApart);
  }
  for (long g = left; g < groups; g += kTile)
    add_products<P, kTwo>(x + g * kGroup, stride, panels + g * kColumns * kGroup, next);
  store();
  _tile_release();
}

template <int... R>
Kernels table(std::integer_sequence<int, R...>) {
  return {kAvx512.floats, {kRows, 2, {{&bytes<1, R + 1>...}, {&bytes<2, R + 1>...}}}, false};
}

}  // namespace
}  // namespace tiles

const Kernels& amx() {
  static const Kernels kAmx = tiles::table(std::make_integer_sequence<int, tiles::kRows>{});
  return kAmx;
}

bool amx_allowed() {
  constexpr unsigned kTile = 1 << 24, kInt8 = 1 << 25;  // leaf 7, EDX
  constexpr long kAskFor = 0x1023, kTileData = 18;      // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  static const bool allowed = [] {
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (~d & (kTile | kInt8))) return false;
    return syscall(SYS_arch_prctl, kAskFor, kTileData) == 0;  // Linux gives tiles to a process that asks
  }();
  return allowed;
}

}  // namespace engine::packed
#endif
