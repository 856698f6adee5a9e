// AVX-512: 14 rows by 32 columns are 28 of the 32 registers; the others hold two vectors of weights and a number of x.
// Read engine/packed_kernels.h first: what the kernels compute.
#include "engine/packed_kernels.h"

#if defined(__x86_64__) && !defined(REAL_IS_DOUBLE)
#include <immintrin.h>

#include <cstring>
#include <utility>

// Loops over registers are unrolled by force: left to itself, gcc 12 keeps the sums in memory, at half the speed.
#define ATTUNE_AVX512 __attribute__((target("avx512f,avx512bw,avx512vnni")))

namespace engine::packed {
namespace {

constexpr int kRows = 14;

template <int P, int R>
ATTUNE_AVX512 void floats(long depth, const float* x, long stride, const float* panels, long next, const float* fetch,
                          const float* start, float* block) {
  __m512 sum[R][P];
#pragma GCC unroll 14
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 2
    for (int p = 0; p < P; ++p) sum[r][p] = _mm512_loadu_ps(start + p * kColumns);
  for (long i = 0; i < depth; ++i) {
    __m512 w[P];
#pragma GCC unroll 2
    for (int p = 0; p < P; ++p) {
      w[p] = _mm512_loadu_ps(panels + p * next + i * kColumns);
      _mm_prefetch(fetch + p * next + i * kColumns, _MM_HINT_T1);
    }
#pragma GCC unroll 14
    for (int r = 0; r < R; ++r) {
      const __m512 a = _mm512_set1_ps(x[r * stride + i]);
#pragma GCC unroll 2
      for (int p = 0; p < P; ++p) sum[r][p] = _mm512_fmadd_ps(a, w[p], sum[r][p]);
    }
  }
#pragma GCC unroll 14
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 2
    for (int p = 0; p < P; ++p) _mm512_storeu_ps(block + r * kWide + p * kColumns, sum[r][p]);
}

// vpdpbusd adds to each int32 four products of a byte without a sign and one with it, exactly.
template <int P, int R>
ATTUNE_AVX512 void bytes(long groups, const uint8_t* x, long stride, const int8_t* panels, long next,
                         const int8_t* fetch, const int32_t* start, int32_t* block) {
  __m512i sum[R][P];
#pragma GCC unroll 14
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 2
    for (int p = 0; p < P; ++p) sum[r][p] = _mm512_loadu_si512(start + p * kColumns);
  for (long g = 0; g < groups; ++g) {
    __m512i w[P];
#pragma GCC unroll 2
    for (int p = 0; p < P; ++p) {
      w[p] = _mm512_loadu_si512(panels + p * next + g * kColumns * kGroup);
      _mm_prefetch(fetch + p * next + g * kColumns * kGroup, _MM_HINT_T1);
    }
#pragma GCC unroll 14
    for (int r = 0; r < R; ++r) {
      int four;
      std::memcpy(&four, x + r * stride + g * kGroup, sizeof four);
      const __m512i a = _mm512_set1_epi32(four);
#pragma GCC unroll 2
      for (int p = 0; p < P; ++p) sum[r][p] = _mm512_dpbusd_epi32(sum[r][p], a, w[p]);
    }
  }
#pragma GCC unroll 14
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 2
    for (int p = 0; p < P; ++p) _mm512_storeu_si512(block + r * kWide + p * kColumns, sum[r][p]);
}

template <int... R>
constexpr Kernels table(std::integer_sequence<int, R...>) {
  return {{kRows, 2, {{&floats<1, R + 1>...}, {&floats<2, R + 1>...}}},
          {kRows, 2, {{&bytes<1, R + 1>...}, {&bytes<2, R + 1>...}}},
          true};
}

}  // namespace

const Kernels kAvx512 = table(std::make_integer_sequence<int, kRows>{});

}  // namespace engine::packed
#endif
