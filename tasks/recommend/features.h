// Features: what the texts of items say in numbers, computed once: words, and the states of an encoder that ships.
#pragma once

#include "engine/ops.h"
#include "tasks/recommend/simple.h"

namespace recommend {

struct ItemText {
  engine::Tensor words;     // [I, W] tf-idf of the W most frequent words, rows of length 1 at most; or nothing
  engine::Tensor mean;      // [I, Ce] the encoder's mean state, of length 1; or nothing
  engine::Tensor tokens;    // [M, Ce] its states of all pieces of all items end to end, rows of length 1; or nothing
  engine::Indices offsets;  // [I + 1] of the tokens
  std::vector<char> has;    // [I] whether an item has a text
  bool any() const { return words || mean || tokens; }
};

struct TextOptions {
  std::string text = "words,mean";  // of words, mean, attention; or none
  std::string encoder = "mini";
  long words = 2000, length = 48;  // words at most; pieces of an item that the encoder reads
  void declare(run::Options& options);
  bool has(const std::string& part) const;
};

// Error: another part; an encoder that is not there.
ItemText item_text(const std::vector<Item>& items, const TextOptions& options);

}  // namespace recommend
