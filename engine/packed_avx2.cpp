// AVX2: 6 rows by 16 columns are 12 of the 16 registers; the others hold two vectors of weights and a number of x.
// Read engine/packed_kernels.h first: what the kernels compute.
#include "engine/packed_kernels.h"

#if defined(__x86_64__) && !defined(REAL_IS_DOUBLE)
#include <immintrin.h>

#include <cstring>
#include <utility>

// Loops over registers are unrolled by force: left to itself, gcc 12 keeps the sums in memory, at half the speed.
#define ATTUNE_AVX2 __attribute__((target("avx2,fma")))

namespace engine::packed {
namespace {

template <int R>
ATTUNE_AVX2 void floats(long depth, const float* x, long stride, const float* panel, long, const float* fetch,
                        const float* start, float* block) {
  __m256 sum[R][2];
#pragma GCC unroll 14
  for (int r = 0; r < R; ++r) {
    sum[r][0] = _mm256_loadu_ps(start);
    sum[r][1] = _mm256_loadu_ps(start + 8);
  }
  for (long i = 0; i < depth; ++i) {
    const __m256 low = _mm256_loadu_ps(panel + i * kColumns), high = _mm256_loadu_ps(panel + i * kColumns + 8);
    _mm_prefetch(fetch + i * kColumns, _MM_HINT_T1);
#pragma GCC unroll 14
    for (int r = 0; r < R; ++r) {
      const __m256 a = _mm256_broadcast_ss(x + r * stride + i);
      sum[r][0] = _mm256_fmadd_ps(a, low, sum[r][0]);
      sum[r][1] = _mm256_fmadd_ps(a, high, sum[r][1]);
    }
  }
#pragma GCC unroll 14
  for (int r = 0; r < R; ++r) {
    _mm256_storeu_ps(block + r * kWide, sum[r][0]);
    _mm256_storeu_ps(block + r * kWide + 8, sum[r][1]);
  }
}

// Adds to each int32 four products x w = sign(x, w) |w|: vpmaddubsw wants one side without a sign. The weight's, since
// other people's weights may be -128, whose size a byte without a sign holds; x never is. A pair of products is at most
// 2 * 127 * 128 = 32,512 and fits int16; two pairs may not, so they go into int32 at once.
ATTUNE_AVX2 inline __m256i add_products(__m256i sum, __m256i x, __m256i w, __m256i size) {
  const __m256i pairs = _mm256_maddubs_epi16(size, _mm256_sign_epi8(x, w));
  return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

template <int R>
ATTUNE_AVX2 void bytes(long groups, const uint8_t* x, long stride, const int8_t* panel, long, const int8_t* fetch,
                       const int32_t*, int32_t* block) {
  __m256i sum[R][2];
#pragma GCC unroll 14
  for (int r = 0; r < R; ++r) sum[r][0] = sum[r][1] = _mm256_setzero_si256();
  for (long g = 0; g < groups; ++g) {
    const auto* at = reinterpret_cast<const __m256i*>(panel + g * kColumns * kGroup);
    const __m256i low = _mm256_loadu_si256(at), high = _mm256_loadu_si256(at + 1);
    const __m256i low_size = _mm256_abs_epi8(low), high_size = _mm256_abs_epi8(high);
    _mm_prefetch(fetch + g * kColumns * kGroup, _MM_HINT_T1);
#pragma GCC unroll 14
    for (int r = 0; r < R; ++r) {
      int four;
      std::memcpy(&four, x + r * stride + g * kGroup, sizeof four);
      const __m256i a = _mm256_set1_epi32(four);
      sum[r][0] = add_products(sum[r][0], a, low, low_size);
      sum[r][1] = add_products(sum[r][1], a, high, high_size);
    }
  }
#pragma GCC unroll 14
  for (int r = 0; r < R; ++r) {
    auto* to = reinterpret_cast<__m256i*>(block + r * kWide);
    _mm256_storeu_si256(to, sum[r][0]);
    _mm256_storeu_si256(to + 1, sum[r][1]);
  }
}

template <int... F, int... B>
constexpr Kernels table(std::integer_sequence<int, F...>, std::integer_sequence<int, B...>) {
  return {{sizeof...(F), 1, {{&floats<F + 1>...}, {}}}, {sizeof...(B), 1, {{&bytes<B + 1>...}, {}}}, false};
}

}  // namespace

const Kernels kAvx2 = table(std::make_integer_sequence<int, 6>{}, std::make_integer_sequence<int, 6>{});

}  // namespace engine::packed
#endif
