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

// The high part of a counter shares a word with the stream, which leaves room for 2^58 words.
void Random::counters(uint64_t first, uint32_t (&x)[4][kLanes]) const {
  for (int i = 0; i < kLanes; ++i) {
    x[0][i] = uint32_t(first + i);
    x[1][i] = uint32_t((first + i) >> 32) | uint32_t(stream) << 24;
    x[2][i] = step;
    x[3][i] = call;
  }
  philox_rounds<kLanes>(x, uint32_t(seed), uint32_t(seed >> 32));
}

// Word i is word i % 4 of counter i / 4.
void Random::words(uint64_t begin, long n, uint32_t* out) const {
  for (long done = 0; done < n;) {
    uint32_t x[4][kLanes], word[4 * kLanes];
    counters((begin + done) / 4, x);
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

void Random::uniforms(real bound, long n, real* out) const {
  parallel_blocks(n, [&](long begin, long end) {
    std::vector<uint32_t> word(end - begin);
    words(begin, end - begin, word.data());
    for (long i = begin; i < end; ++i) out[i] = real(bound * (word[i - begin] * 0x1p-31 - 1));
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

// Entry i belongs to counter block i / 128: 16 counters make 64 words, of which the low halves decide about the first
// 64 entries and the high halves about the others. No word is moved, and none is drawn for less than two entries.
namespace {
constexpr long kCounters = Random::kLanes, kEntries = 8 * kCounters;

// f(i, factors, n) for runs of entries i ... i + n - 1 of the mask, counted from `begin`.
template <class F>
void for_each_run(const DropoutMask& mask, uint64_t begin, long n, F f) {
  const uint32_t threshold = uint32_t(std::lround(double(mask.p) * 0x1p16));
  const real scale = 1 / (1 - mask.p);
  for (long done = 0; done < n;) {
    uint32_t words[4][kCounters];
    real factor[kEntries];
    mask.random.counters((begin + done) / kEntries * kCounters, words);
    for (int w = 0; w < 4; ++w)
      for (int i = 0; i < kCounters; ++i) {
        factor[w * kCounters + i] = (words[w][i] & 0xffff) >= threshold ? scale : real(0);
        factor[(4 + w) * kCounters + i] = (words[w][i] >> 16) >= threshold ? scale : real(0);
      }
    const long skip = long((begin + done) % kEntries), run = std::min(n - done, kEntries - skip);
    f(done, factor + skip, run);
    done += run;
  }
}
}  // namespace

void DropoutMask::factors(uint64_t begin, long n, real* out) const {
  for_each_run(*this, begin, n,
               [=](long first, const real* factor, long run) { std::copy_n(factor, run, out + first); });
}

void DropoutMask::apply(uint64_t begin, long n, const real* x, real* y) const {
  for_each_run(*this, begin, n, [=](long first, const real* factor, long run) {
    for (long i = 0; i < run; ++i) y[first + i] = x[first + i] * factor[i];
  });
}

}  // namespace engine
