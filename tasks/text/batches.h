// Batches: tokenised sentences laid end to end, in an order that depends on the seed and the epoch only.
#pragma once

#include "nn/bert.h"
#include "tasks/text/data.h"
#include "tasks/text/wordpiece.h"

namespace text {

using engine::Indices;

// Sentences as ids, with their labels (-1: none). Row i of the file is row i here.
struct EncodedSet {
  std::vector<Encoding> texts;
  Indices labels;
  long truncated = 0;  // texts that were cut to the maximal length
  long size() const { return long(texts.size()); }
};
EncodedSet encode(const std::vector<Example>& examples, const WordPiece& tokenizer, int max_length);

struct Batch {
  nn::Tokens tokens;
  Indices labels;  // [B]
  Indices rows;    // [B] of the set
};
Batch pack(const EncodedSet& set, const Indices& rows);

// The batches of a training run. at(step) is a function of the step alone, so a resumed run continues with the very
// batch at which it stopped. Every epoch has every sentence once; the last batch of an epoch may be short.
class Batches {
 public:
  Batches(const EncodedSet& set, int batch_size, bool shuffle, uint64_t seed);  // the set must outlive it
  Batches(EncodedSet&&, int, bool, uint64_t) = delete;
  long per_epoch() const { return (set_.size() + batch_size_ - 1) / batch_size_; }
  Batch at(long step);

 private:
  const EncodedSet& set_;
  long batch_size_;
  bool shuffle_;
  uint64_t seed_;
  long epoch_ = -1;  // of order_
  Indices order_;
};

// The whole set in its own order, for evaluation.
std::vector<Batch> in_order(const EncodedSet& set, int batch_size);

// Names a split for every example, each label shared out in the same proportions, by seed: of 10 examples of a label
// 8 are "train", 1 "dev" and 1 "test".
void split_stratified(std::vector<Example>& examples, uint64_t seed);

}  // namespace text
