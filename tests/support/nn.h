// What tests of models share.
#pragma once

#include <vector>

#include "nn/model/bert.h"

namespace test {

// Sequences of these lengths, of pieces 0 ... 59 that look random and of both types.
inline nn::Tokens sentences(const std::vector<int>& lengths) {
  nn::Tokens tokens;
  tokens.offsets = {0};
  for (size_t b = 0; b < lengths.size(); ++b) {
    for (int t = 0; t < lengths[b]; ++t) {
      tokens.ids.push_back(int((7 * b + 13 * t + t * t) % 60));
      tokens.positions.push_back(t);
      tokens.types.push_back(t % 2);
    }
    tokens.offsets.push_back(int(tokens.ids.size()));
  }
  return tokens;
}

}  // namespace test
