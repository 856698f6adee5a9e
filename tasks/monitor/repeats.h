// Repeats: a story counts once, however often and with whatever small changes it is told.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "nn/format/json_value.h"

namespace monitor {

// 64 bits of which nearly the same texts have nearly the same (Charikar 2002): bit b is the sign of the sum, over words
// and pairs of neighbouring words, of +1 or -1 by bit b of their hash. Words in lower case, without links, names with
// @, marks, and a leading "RT"; a text without a word: 0.
uint64_t simhash(const std::string& text);

struct RepeatOptions {
  long within = 86400;  // seconds of event time
  int near = 5;         // bits of 64 that may differ, at most 7; -1: nothing is a repeat
  long most = 100000;   // stories that are remembered
};

// The last stories. Two hashes that differ in 7 bits or fewer agree in one of 8 bytes: only stories that share a byte
// at its place are looked at.
class Repeats {
 public:
  explicit Repeats(RepeatOptions options = {});
  uint64_t hash_of(const std::string& text) const;  // its simhash; 0: nothing to compare, or nothing is a repeat
  // Whether the story has been told within that time before or after.
  bool told(uint64_t hash, long time) const;
  void remember(uint64_t hash, long time);
  size_t size() const { return stories_.size(); }

  nn::json state() const;
  void restore(const nn::json& state);

 private:
  struct Story {
    uint64_t hash;
    long time;
  };
  void forget_first();

  RepeatOptions o_;
  std::deque<Story> stories_;  // as they came; the first has the number first_
  long first_ = 0;
  std::unordered_map<uint64_t, long> newest_;  // of a hash: the number of its story
  std::vector<std::deque<long>> by_byte_[8];   // of each value of each byte the numbers, rising
};

}  // namespace monitor
