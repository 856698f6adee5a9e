// Replaced-token detection (ELECTRA: Clark, Luong, Le, Manning 2020): a small generator fills hidden places, and the
// encoder tells of every token whether it stood there before.
#pragma once

#include "nn/model/bert.h"

namespace nn {

// A narrow BERT over the encoder's own embeddings, with the head of masked language modelling; thrown away afterwards.
//   x = project(embeddings(tokens)), layers, logits = LayerNorm(gelu(dense(x))) W_word^T + bias  [N], M rows -> [M, V]
struct Generator {
  const BertEmbeddings* embeddings;  // the encoder's, which must outlive this
  Linear project;                    // [N, C] -> [N, G]
  std::vector<BertLayer> layers;
  Linear dense;  // [M, G] -> [M, C]
  LayerNorm norm;
  Linear decoder;  // the word embeddings again
  Generator(Scope at, const BertEmbeddings& shared, const Config& encoder, double size);
  Tensor operator()(const Tokens& tokens, const Indices& rows) const;  // rows rise
};

// The encoder's configuration at `size` of its width: heads of 64 columns, as many layers.
Config generator_config(const Config& encoder, double size);

// One logit for every token: above 0 it was replaced.   [N, C] -> [N]
struct ReplacedTokenHead {
  Linear dense, prediction;
  ReplacedTokenHead(Scope at, const Config& c);
  Tensor operator()(const Tensor& hidden) const;
};

// One draw from softmax(logits) of every row, from random word i for row i; without a gradient.
//   y_i = the first k with p_1 + ... + p_k > u_i,   u_i uniform in [0, 1)
// The largest of logits plus Gumbel noise has the same distribution, for V random numbers a row instead of one.
Indices sample_rows(const Tensor& logits, const Random& random);  // [M, V] -> M

// What the encoder reads, and what it is to say: a token is replaced (1) where the generator's sample differs from what
// stood there; a sample that equals it is real (0).
struct Replaced {
  Tokens tokens;
  Tensor labels;  // [N] 0 or 1
  long count = 0;
};
Replaced replace_tokens(Tokens masked, const Indices& rows, const Indices& targets, const Indices& samples);

}  // namespace nn
