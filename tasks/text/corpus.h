// Running text for pre-training: many texts cut end to end into sequences of ids in one block of memory, and the steps
// of a run, counted in tokens.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "nn/tokens.h"
#include "tasks/text/wordpiece.h"

namespace text {

// The file itself; of a folder, all .txt, .tsv, .csv and .jsonl below it, by name. Error: nothing there.
std::vector<std::string> files_at(const std::string& path);

// Texts that models are measured on, and the question whether another text holds one of their sentences. A sentence is
// compared as its words in lower case, letters and digits only, and counts from six words on; a whole text is a sentence
// too.
class ForbiddenSentences {
 public:
  void add(std::string_view text);
  bool stand_in(std::string_view text) const;
  long count() const { return count_; }

 private:
  std::unordered_map<uint64_t, std::vector<std::vector<uint64_t>>> by_start_;  // hash of six words: the words of each
  long count_ = 0;
};

// Sequence s is the ids begin[s] ... begin[s + 1] - 1: [CLS], at most max_length - 2 pieces, [SEP].
struct Corpus {
  // One source. Of its sequences `weight` times as many are in an epoch as it has.
  struct Part {
    std::string name;
    double weight = 1;
    long first = 0, last = 0;  // its sequences
    long texts = 0;            // that it gave
    long repeats = 0;          // texts that were there before, byte for byte
    long forbidden = 0;        // texts that hold a sentence models are measured on
  };
  std::vector<int> ids;
  std::vector<long> begin{0};
  std::vector<Part> parts;

  long size() const { return long(begin.size()) - 1; }
  long tokens() const { return long(ids.size()); }
  long tokens(const Part& part) const { return begin[part.last] - begin[part.first]; }
  uint64_t fingerprint() const;  // of every id, every border and every weight
};

// The sequences laid end to end as a batch. There is no padding, and attention stays within each.
nn::Tokens lay_out(const Corpus& corpus, const std::vector<long>& sequences);

// Cuts texts into train and held-out sequences. A text goes by its own words and the seed to one side or the other, so
// neither order nor files matter. Texts without a piece that could be hidden are left out.
class CorpusBuilder {
 public:
  struct Options {
    int max_length = 128;
    double held_out = 0;  // the share of the texts
    uint64_t seed = 0;
    const ForbiddenSentences* without = nullptr;
  };
  explicit CorpusBuilder(const Options& options) : options_(options) {}

  // Texts of one file come between open() and the next open(), in as many calls as one likes.
  void open(const std::string& name, double weight);
  // Which of these texts belong in, in their order: those seen before and those with a forbidden sentence do not.
  std::vector<std::string_view> choose(const std::vector<std::string_view>& texts);
  void add(const std::vector<std::string_view>& texts, const WordPiece& tokenizer);
  // The same for texts that are all held out, whatever the share.
  void add_held_out(const std::vector<std::string_view>& texts, const WordPiece& tokenizer);

  Corpus train, held_out;

 private:
  void cut(const std::vector<std::string_view>& texts, const WordPiece& tokenizer, bool all_held_out);

  Options options_;
  std::unordered_set<uint64_t> seen_;  // hashes of texts
};

// Which sequences a run draws: draw number d is the same whatever the steps were, so a run is continued from a count.
// An epoch has every part's sequences `weight` times, in an order of its own; of a fraction, other ones each epoch.
class Draws {
 public:
  Draws(const Corpus& corpus, uint64_t seed, bool shuffle = true);  // the corpus must outlive it
  Draws(Corpus&&, uint64_t, bool = true) = delete;

  long per_epoch() const { return per_epoch_; }
  double tokens_per_epoch() const;
  // The sequences from draw number `next` on that fill `tokens` tokens: the last one may go beyond. `next` moves on.
  std::vector<long> take(long& next, long tokens);

 private:
  void prepare(long epoch);
  // How many of a part's n sequences, beside whole copies, an epoch has.
  static long fraction(const Corpus::Part& part);

  const Corpus& corpus_;
  uint64_t seed_;
  bool shuffle_;
  long per_epoch_ = 0, epoch_ = -1;
  std::vector<std::vector<int>> orders_;  // of each part: which sequences a fraction takes next
  std::vector<int> order_;                // of this epoch
};

}  // namespace text
