// Pairs of sentences: read from files, cut into pieces, laid end to end in batches of so many tokens.
#pragma once

#include <string>
#include <vector>

#include "nn/tokens.h"
#include "tasks/translate/pieces.h"

namespace translate {

struct Texts {
  std::vector<std::string> source, target, where;  // where: "file:line", as an error says it
  long size() const { return long(source.size()); }
  void add(const Texts& more);
};

// Lines of a file, valid UTF-8; empty ones where `empty_too`.  Error: FILE:LINE: ...
std::vector<std::string> read_texts(const std::string& path, bool empty_too = false);
// Two files line by line. Error: different numbers of lines, an empty line, invalid UTF-8.
Texts read_pairs(const std::string& source, const std::string& target);
// A file of two columns with a tab between. Error: a line without two texts.
Texts read_pairs(const std::string& table);
Texts pairs_of(std::string_view table, const std::string& name);

struct Pair {
  std::vector<int> source, target;  // with the end
  int text = 0;                     // which of the texts
};
// Error: a pair of more than `positions` pieces on a side, unless `skipped` counts them.
std::vector<Pair> encode(const Texts& texts, const Pieces& pieces, long positions, long* skipped = nullptr);

// B pairs, ready for a model.
struct Batch {
  nn::Tokens source, input;  // input: start, then the target without its end
  nn::Indices target;        // [M]
  nn::Indices texts;         // [B] which they are
  double share = 1;          // of the target tokens of the step
};
Batch batch_of(const std::vector<const Pair*>& pairs, int start);
nn::Tokens packed(const std::vector<const std::vector<int>*>& sequences);

// An epoch takes the pairs in an order of its own and cuts them into steps of about equally many target tokens. Nothing
// is padded, so that sentences of one length need not stand together.
class Batches {
 public:
  // `tokens` of a part, `accumulate` parts a step.
  Batches(const std::vector<Pair>& pairs, int start, long tokens, int accumulate, uint64_t seed, bool shuffled);
  long steps_per_epoch() const { return steps_; }
  std::vector<Batch> parts_at(long step);

 private:
  const std::vector<Pair>& pairs_;
  int start_, accumulate_;
  uint64_t seed_;
  bool shuffled_;
  long all_tokens_ = 0, steps_ = 1;
  long epoch_ = -1;
  std::vector<int> order_;  // of this epoch
  std::vector<long> cut_;   // [steps * accumulate + 1] in order_
};

}  // namespace translate
