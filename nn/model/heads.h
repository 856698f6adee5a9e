// Classifiers: an encoder, and a head that makes one row of logits for every sequence.
#pragma once

#include <optional>
#include <variant>

#include "nn/model/bert.h"

namespace nn {

// BertForSequenceClassification: logits = classifier(dropout(tanh(dense(hidden of [CLS])))).    [N] -> [B, K]
struct BertClassifier {
  Bert bert;
  Linear pooler;
  Dropout dropout;
  Linear classifier;
  BertClassifier(Scope at, const Config& c);
  Tensor operator()(const Tokens& tokens, Trace* trace = nullptr) const;
};

// Rows of a table that pieces of the vocabulary share: piece p has rows[offsets[p]] ... rows[offsets[p + 1] - 1], at
// least one.
struct PieceRows {
  Indices offsets{0}, rows;
  long pieces() const { return long(offsets.size()) - 1; }
  PieceRows of(const Indices& ids) const;  // those of the pieces `ids`, in their order
};

// The smallest model that allocates attention: x_t = dropout(word embedding), then a_t = softmax_t(q_h . x_t / sqrt(d)),
// C_h = sum_t a_t x_t with H learned queries, then y = classifier(dropout(C)).    [N] -> [B, K]
// With bigram_buckets, x_t has a second summand, an embedding of the pair of pieces (t - 1, t), hashed to a row (Joulin et
// al. 2017, fastText): "not good" is no longer the sum of its words.
// With subword_buckets, a third one, the mean over the piece's character n-grams of their embeddings (Bojanowski et al.
// 2017): words of one stem begin alike. Which n-grams those are, tasks/text/subwords.h says.
// With length_exponent p, C_h is (T / 20)^p times as long: a mean of T words shrinks as they grow more; at 1/2, as with a
// sum of independent words divided by its norm, it does not. A text of 20 tokens is as before, and so is the learning rate.
struct PoolClassifier {
  Embedding word;
  std::optional<Embedding> bigram, subword;
  PieceRows subword_rows;
  Dropout dropout;
  AttentionPool pool;
  real length_exponent;
  Linear classifier;
  PoolClassifier(Scope at, const Config& c, PieceRows subwords);
  Tensor operator()(const Tokens& tokens, Trace* trace = nullptr) const;

 private:
  Tensor subword_mean(const Indices& ids) const;  // N ids -> [N, C]
};

// The row of each token's pair with the one before it, among `buckets`; a sequence's first token is paired with nothing.
Indices bigram_rows(const Tokens& tokens, long buckets);

// Whichever of them a configuration names. `subwords`: those of its vocabulary, if it has subword_buckets.
class Classifier {
 public:
  Classifier(Scope at, const Config& c, PieceRows subwords = {});
  Tensor operator()(const Tokens& tokens, Trace* trace = nullptr) const;  // [N] -> [B, K]

 private:
  std::variant<BertClassifier, PoolClassifier> model_;
};

// Parameters that a checkpoint may lack and fine-tuning may begin anew: the head of a bare encoder, a retention schedule.
bool belongs_to_head(const std::string& parameter);

}  // namespace nn
