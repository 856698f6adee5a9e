// A recommender small enough that every entry can be looked at.
#pragma once

#include "tasks/recommend/sequence.h"

namespace test {

inline recommend::SequenceConfig tiny(const std::string& user = "last", long items = 9) {
  return {.items = items,
          .hidden = 8,
          .layers = 2,
          .heads = 2,
          .intermediate = 12,
          .positions = 6,
          .dropout = 0,
          .attention_dropout = 0,
          .identity_dropout = 0,
          .user = user};
}

}  // namespace test
