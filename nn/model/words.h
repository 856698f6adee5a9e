// Words: an encoder without layers. Every token is an embedding, and what reads them allocates attention by itself.
#pragma once

#include <optional>

#include "nn/attention.h"
#include "nn/format/config.h"
#include "nn/tokens.h"

namespace nn {

// Rows of a table that pieces of the vocabulary share: piece p has rows[offsets[p]] ... rows[offsets[p + 1] - 1], at
// least one.
struct PieceRows {
  Indices offsets{0}, rows;
  long pieces() const { return long(offsets.size()) - 1; }
  PieceRows of(const Indices& ids) const;  // those of the pieces `ids`, in their order
};

// x_t = dropout(word embedding).    [N] -> [N, C]
// With bigram_buckets, x_t has a second summand, an embedding of the pair of pieces (t - 1, t), hashed to a row (Joulin
// et al. 2017, fastText): "not good" is no longer the sum of its words.
// With subword_buckets, a third one, the mean over the piece's character n-grams of their embeddings (Bojanowski et al.
// 2017): words of one stem begin alike. Which n-grams those are, tasks/text/subwords.h says.
struct Words {
  Embedding word;
  std::optional<Embedding> bigram, subword;
  PieceRows subword_rows;
  Dropout dropout;
  Words(Scope at, const Config& c, PieceRows subwords);  // `at`: where the embeddings' names begin
  Tensor operator()(const Tokens& tokens) const;

 private:
  Tensor subword_mean(const Indices& ids) const;  // N ids -> [N, C]
};

// The row of each token's pair with the one before it, among `buckets`; the first of a sequence is paired with nothing.
Indices bigram_rows(const Tokens& tokens, long buckets);

}  // namespace nn
