// Features: what the texts of items say in numbers, computed once: words, and the states of an encoder that ships.
#pragma once

#include <memory>

#include "engine/ops.h"
#include "tasks/recommend/simple.h"
#include "tasks/text/batches.h"

namespace model {
struct TextModel;
}

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
  std::string training = "none";   // of the encoder: none, adapters, all
  long texts = 64;                 // read again in each part of a step
  double rate = 0.05;              // of the learning rate
  void declare(run::Options& options);
  bool has(const std::string& part) const;
};

// What an encoder says now of some items: [n] and [n, Ce], of length 1.
struct FreshTexts {
  engine::Indices items;
  engine::Tensor means;
};

std::unique_ptr<model::TextModel> text_encoder(const TextOptions& options);
text::EncodedSet texts_of(const std::vector<Item>& items, const model::TextModel& encoder, const TextOptions& options);

// Error: another part; an encoder that is not there.
ItemText item_text(const std::vector<Item>& items, const TextOptions& options);

}  // namespace recommend
