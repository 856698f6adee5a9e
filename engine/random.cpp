// The counter-based generator and what is drawn with it. Read engine/random.h first.
#include "engine/random.h"

#include <cmath>
#include <numbers>
#include <numeric>

#include "engine/parallel.h"

namespace engine {
namespace {

constexpr uint32_t kMul0 = 0xD2511F53, kMul1 = 0xCD9E8D57;  // the constants of the paper, section 4
constexpr uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
constexpr int kRounds = 10;

// Lanes counters at once, as arrays, so that the rounds become vector instructions.
template <int Lanes>
void philox_rounds(uint32_t (&x)[4][Lanes], uint32_t key0, uint32_t key1) {
  for (int round = 0; round < kRounds; ++round) {
    for (int i = 0; i < Lanes; ++i) {
      const uint64_t a = uint64_t(kMul0) * x[0][i], b = uint64_t(kMul1) * x[2][i];
      const uint32_t x1 = x[1][i], x3 = x[3][i];
      x[0][i] = uint32_t(b >> 32) ^ x1 ^ key0;
      x[1][i] = uint32_t(b);
      x[2][i] = uint32_t(a >> 32) ^ x3 ^ key1;
      x[3][i] = uint32_t(a);
    }
    key0 += kWeyl0;
    key1 += kWeyl1;
  }
}

}  // namespace

std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  uint32_t x[4][1] = {{counter[0]}, {counter[1]}, {counter[2]}, {counter[3]}};
  philox_rounds<1>(x, key[0], key[1]);
  return {x[0][0], x[1][0], x[2][0], x[3][0]};
}

// Word i is word i % 4 of counter block i / 4. The high part of the block shares a counter word with the stream, which
// leaves room for 2^58 words.
void Random::words(uint64_t begin, long n, uint32_t* out) const {
  constexpr int kLanes = 16;
  for (long done = 0; done < n;) {
    const uint64_t block = (begin + done) / 4;
    uint32_t x[4][kLanes];
    for (int i = 0; i < kLanes; ++i) {
      x[0][i] = uint32_t(block + i);
      x[1][i] = uint32_t((block + i) >> 32) | uint32_t(stream) << 24;
      x[2][i] = step;
      x[3][i] = call;
    }
    philox_rounds<kLanes>(x, uint32_t(seed), uint32_t(seed >> 32));
    uint32_t word[4 * kLanes];
    for (int i = 0; i < kLanes; ++i)
      for (int w = 0; w < 4; ++w) word[4 * i + w] = x[w][i];
    const long skip = (begin + done) % 4;
    const long take = std::min(n - done, 4 * kLanes - skip);
    for (long i = 0; i < take; ++i) out[done + i] = word[skip + i];
    done += take;
  }
}

// Two words give two numbers: radius sqrt(-2 ln u) and angle 2 pi v, u in (0, 1], v in [0, 1).
void Random::normals(real deviation, long n, real* out) const {
  parallel_blocks(n, [&](long begin, long end) {
    std::vector<uint32_t> word(end - begin + 1);
    words(begin, end - begin + 1, word.data());
    for (long i = begin; i < end; i += 2) {
      const double radius = deviation * std::sqrt(-2 * std::log((word[i - begin] + 1.0) * 0x1p-32));
      const double angle = 2 * std::numbers::pi * (word[i - begin + 1] * 0x1p-32);
      out[i] = real(radius * std::cos(angle));
      if (i + 1 < end) out[i + 1] = real(radius * std::sin(angle));
    }
  });
}

std::vector<int> permutation(int n, const Random& random) {
  std::vector<int> order(n);
  std::iota(order.begin(), order.end(), 0);
  std::vector<uint32_t> word(n);
  random.words(0, n, word.data());
  for (int i = n - 1; i > 0; --i) std::swap(order[i], order[uint64_t(word[i]) * (i + 1) >> 32]);
  return order;
}

uint64_t hash_of(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (unsigned char c : text) hash = (hash ^ c) * 0x100000001b3;
  return hash;
}

void DropoutMask::check_probability(const char* op) const {
  check(p >= 0 && p < 1, "{}: the probability of dropout must be in [0, 1); got {}", op, p);
}

void DropoutMask::apply(uint64_t begin, long n, const real* x, real* y) const {
  constexpr long kChunk = 1024;
  const uint32_t threshold = uint32_t(double(p) * 0x1p32);
  const real scale = 1 / (1 - p);
  uint32_t word[kChunk];
  for (long done = 0; done < n; done += kChunk) {
    const long m = std::min(kChunk, n - done);
    random.words(begin + done, m, word);
    for (long i = 0; i < m; ++i) y[done + i] = word[i] >= threshold ? x[done + i] * scale : real(0);
  }
}

}  // namespace engine
