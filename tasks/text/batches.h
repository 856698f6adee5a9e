// Batches: tokenised sentences laid end to end, in an order that depends on the seed and the epoch only.
#pragma once

#include "nn/tokens.h"
#include "tasks/text/data.h"
#include "tasks/text/wordpiece.h"

namespace text {

using engine::Indices;

// What becomes of a text that is longer than the maximal length: cut it, refuse it, or read all of it through windows,
// whose logits are averaged. Windows are as long as allowed, as few as can be, and overlap evenly.
enum class TooLong { cut, error, window };
TooLong too_long(const std::string& name);  // "cut", "error" or "window"

// Texts as ids, with their labels (-1: none). Text i of the file is text i here: the windows begin[i] ... begin[i + 1]
// - 1, as a rule one.
struct EncodedSet {
  std::vector<Encoding> windows;
  Indices begin{0};
  Indices labels;
  long too_long = 0;  // texts that were cut, or have several windows
  long size() const { return long(labels.size()); }
  long tokens(long text) const;  // in all of its windows
};
EncodedSet encode(const std::vector<Example>& examples, const WordPiece& tokenizer, int max_length,
                  TooLong how = TooLong::cut);
// One text more, whose ids are there already, [CLS] and [SEP] among them; of one that is too long `how` cuts the end,
// before its [SEP]. `of` has the label, the second text if there is one, and how an error begins.
void add(EncodedSet& set, Encoding text, const Example& of, int max_length, TooLong how);

struct Batch {
  nn::Tokens tokens;   // W >= B sequences
  Indices windows{0};  // [B + 1]: text b is the sequences windows[b] ... windows[b + 1] - 1
  Indices labels;      // [B]
  Indices rows;        // [B] of the set
  double share = 1;    // of the weight of its step, if the step has several batches
};
Batch pack(const EncodedSet& set, const Indices& rows);
Batch unlabelled(nn::Tokens tokens);  // every sequence a text

// [W, K] -> [B, K]: the mean over the windows of each text.
engine::Tensor mean_over_windows(const engine::Tensor& logits, const Batch& batch);
// The same of the texts `which`, places in the batch.    [W, K] -> [b, K]
engine::Tensor logits_of(const engine::Tensor& logits, const Batch& batch, const Indices& which);

// n / (K n_k) for every class k, as scikit-learn's "balanced": rare classes weigh more, all together n.
std::vector<engine::real> balanced_weights(const Indices& labels, int classes);

// The batches of a training run. at(step) is a function of the step alone, so a resumed run continues with the very
// batch at which it stopped. Every epoch has every sentence once; the last batch of an epoch may be short.
class Batches {
 public:
  Batches(const EncodedSet& set, int batch_size, bool shuffle, uint64_t seed);  // the set must outlive it
  Batches(EncodedSet&&, int, bool, uint64_t) = delete;
  long per_epoch() const { return (set_.size() + batch_size_ - 1) / batch_size_; }
  Batch at(long step);
  // The same in parts of at most `size` texts, for those who add up gradients. The loss of the step is the sum of the
  // parts' mean losses times their shares, by count or by the weights of their labels: exactly that of the whole.
  std::vector<Batch> parts_at(long step, int size, const std::vector<engine::real>& class_weights = {});

 private:
  Indices rows_at(long step);

  const EncodedSet& set_;
  long batch_size_;
  bool shuffle_;
  uint64_t seed_;
  long epoch_ = -1;  // of order_
  Indices order_;
};

// The whole set in its own order, for evaluation.
std::vector<Batch> in_order(const EncodedSet& set, int batch_size);

// How one set becomes three, relative to each other: 80/10/10, 72/8/20, 90/10/0.
struct Shares {
  double train = 80, dev = 10, test = 10;
  static Shares parse(const std::string& spec);  // "TRAIN/DEV/TEST"; train needs some, dev and test may be 0
};
// Names a split for every example, each label shared out in the same proportions, by seed: of n examples of a label
// the nearest whole number to n dev / (train + dev + test) is "dev", "test" alike, and what remains "train".
void split_stratified(std::vector<Example>& examples, uint64_t seed, const Shares& shares = {});

}  // namespace text
