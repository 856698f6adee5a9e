// Random numbers by counter: Philox 4x32-10 (Salmon, Moraes, Dror, Shaw 2011). A number is a function of (seed, stream,
// step, call, index) and of nothing else, so a dropout mask is drawn again in backward instead of stored, and neither
// the number of threads nor an interruption changes it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "engine/base.h"

namespace engine {

// What the numbers are for. Separate streams: drawing more of one kind leaves the others alone.
enum class Stream : uint32_t { init = 1, shuffle = 2, dropout = 3, mask = 4, weighting = 7, sample = 8, pieces = 9 };

std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

// An endless sequence of random words, addressed by index.
struct Random {
  uint64_t seed = 0;
  Stream stream = Stream::init;
  uint32_t step = 0;  // of training, or the epoch
  uint32_t call = 0;  // which of the sequences of that step

  static constexpr int kLanes = 16;                               // counters that are computed together
  void counters(uint64_t first, uint32_t (&x)[4][kLanes]) const;  // the four words of each of them, word by word
  void words(uint64_t begin, long n, uint32_t* out) const;        // the words begin ... begin + n - 1
  void normals(real deviation, long n, real* out) const;          // mean 0 (Box-Muller)
  void uniforms(real bound, long n, real* out) const;  // in [-bound, bound]: the last value below it is rounded up
};

// The numbers 0 ... n-1 in an order that depends on `random` only (Fisher-Yates).
std::vector<int> permutation(int n, const Random& random);

// FNV-1a: a stable number for a name, the same on every machine.
uint64_t hash_of(std::string_view text);

// Which entries a dropout leaves: index i stays with probability 1 - p (to a 65536th), and is then divided by 1 - p.
struct DropoutMask {
  real p = 0;
  Random random;

  bool active() const { return p > 0; }
  void check_probability(const char* op) const;  // throws unless 0 <= p < 1
  // out[i] = 0 or 1 / (1 - p), for the entries begin ... begin + n - 1
  void factors(uint64_t begin, long n, real* out) const;
  // y[i] = x[i] times that factor; x and y may be the same.
  void apply(uint64_t begin, long n, const real* x, real* y) const;
};

}  // namespace engine
