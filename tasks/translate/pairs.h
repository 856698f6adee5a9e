// Pairs of sentences: read from files, cut into pieces, laid end to end in batches of so many tokens.
#pragma once

#include <functional>
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

// Lines of a file, empty ones too. Error: "WHERE: the line is not valid UTF-8".
std::vector<std::string> read_texts(const std::string& path);
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
// Those whose source fits: that can be translated.
Texts readable(const Texts& texts, const Pieces& pieces, long positions);
// The pairs with their texts cut anew, merges left out with probability `dropout`, by the seed. One that would have more
// than `positions` pieces on a side stays as it is.
std::vector<Pair> cut_anew(const std::vector<Pair>& pairs, const Texts& texts, const Pieces& pieces, float dropout,
                           uint32_t seed, long positions);

// B pairs, ready for a model.
struct Batch {
  nn::Tokens source, input;  // input: start, then the target without its end
  nn::Indices target;        // [M]
  nn::Indices texts;         // [B] which they are
  double share = 1;          // of the target tokens of the step
};
Batch batch_of(const std::vector<const Pair*>& pairs, int start);
nn::Tokens packed(const std::vector<const std::vector<int>*>& sequences);

struct BatchOptions {
  int start = 0;  // what a target input begins with
  long tokens = 2048;
  int accumulate = 1;  // parts of so many target tokens a step
  uint64_t seed = 42;
  bool shuffled = true;
  long window = 0;  // steps whose pairs are sorted by length; 0: as they come
  std::function<std::vector<Pair>(long epoch)> pairs_of = nullptr;  // the pairs of an epoch, if it has others
};

// An epoch takes the pairs in an order of its own and cuts them into steps of about equally many target tokens. Nothing
// is padded, so that sentences of one length need not stand together. With a window they do: the pairs of so many steps
// are sorted by target, then by source length, and the parts that they are cut into are shuffled, all by the seed. An
// epoch of pairs_of() has as many steps as `pairs` give it, of more tokens where those have more.
class Batches {
 public:
  Batches(const std::vector<Pair>& pairs, const BatchOptions& options);
  long steps_per_epoch() const { return steps_; }
  std::vector<Batch> parts_at(long step);

 private:
  void begin_epoch(long epoch);
  void cut(const std::vector<int>& order);

  const std::vector<Pair>& pairs() const { return own_.empty() ? given_ : own_; }  // of this epoch

  const std::vector<Pair>& given_;
  std::vector<Pair> own_;  // what pairs_of() gave
  BatchOptions o_;
  long steps_ = 1;
  long epoch_ = -1;
  // The pairs of each part of this epoch, steps * accumulate or fewer: none is empty.
  std::vector<std::vector<int>> parts_;
};

}  // namespace translate
