// Heads: what a task adds to an encoder. How it reads a text, and what it says of it.
#pragma once

#include <optional>

#include "nn/adapter/bottleneck.h"
#include "nn/attention.h"
#include "nn/model/bert.h"

namespace nn {

// What a head predicts: one class of a text, one of classes that have an order, any number of classes, a number, a
// class for each token; the piece of the vocabulary that stands at given tokens; or a vector that is the text.
enum class Predicts { label, ordinal, labels, number, tags, pieces, vector };

// What it reads: the first token, [CLS]; all tokens, by queries of its own; their mean; or every token by itself.
enum class Reads { first, attention, mean, tokens };

struct HeadConfig {
  std::string name;  // its parameters are heads.NAME....; without a name those of Hugging Face's model with this head
  Predicts predicts = Predicts::label;
  long outputs = 1;  // K: the classes, in order or not; 1 for a number; of a vector its width if projected, or 0
  Reads reads = Reads::first;
  long queries = 1;  // of its own attention
  long adapter = 0;  // width of its own adapter; 0: none
};

// BertForMaskedLM's head (Devlin et al. 2019): one logit for every piece of the vocabulary. The decoder's weight is the
// table of the word embeddings itself (Press & Wolf 2017), with a bias of its own.
//   logits = LayerNorm(f(dense(x))) W_word^T + bias, f the hidden_act          [M, C] -> [M, V]
struct MaskedLm {
  Linear dense;
  Activation activation;
  LayerNorm norm;
  Linear decoder;
  MaskedLm(Scope at, const Tensor& word_embeddings, const Config& c);
  Tensor operator()(const Tensor& rows) const { return decoder(norm(activation(dense(rows)))); }
};

// The logits of ordered classes (nn/loss/ordinal.h): one direction for all questions, a bias for each.
//   x_k = w . h + b_k          [B, W], w [1, W], b [K - 1] -> [B, K - 1]
struct Ranks {
  Tensor weight, bias;
  Ranks(Scope at, long W, long K, real deviation)
      : weight(at.parameter("weight", {1, W}, {Init::normal, deviation})),
        bias(at.parameter("bias", {K - 1}, {Init::constant, 0})) {}
  Tensor operator()(const Tensor& h) const;
};

// One task's own part: adapter, then how the text is read, then a linear classifier.
//   reads first        y = classifier(dropout(tanh(pooler(adapter(x_cls)))))   -> [B, K], BertForSequenceClassification
//   reads attention    y = classifier(dropout(s pool(adapter(x))))             -> [B, K], nn/attention.h
//   reads mean         y = classifier(dropout(mean_t adapter(x)))              -> [B, K]
//   reads tokens       y = classifier(dropout(adapter(x)))                     -> [N, K], BertForTokenClassification
//   ordinal            the same with ranks(.) in the classifier's place          -> [B, K - 1]
//   pieces             y = the masked language model's of the rows asked for   -> [M, V], BertForMaskedLM
//   vector             y = what is read, projected where outputs > 0           -> [B, C]
// s = (T / 20)^p with length_exponent p, else 1: a mean of T words shrinks as they grow more; at p = 1/2, as with a sum
// of independent words divided by its norm, it does not. A text of 20 tokens is as before, and so is the learning rate.
struct Head {
  HeadConfig config;
  std::optional<HeadAdapter> adapter;
  std::optional<AttentionPool> pool;
  std::optional<Linear> pooler;
  std::optional<MaskedLm> masked_lm;
  Dropout dropout;
  std::optional<Linear> classifier;
  std::optional<Ranks> ranks;
  real length_exponent;

  // `word_embeddings`: the encoder's table, which a masked language model shares.
  // Error: what this encoder cannot carry.
  Head(Scope root, const Config& c, const HeadConfig& head, const Tensor& word_embeddings);

  Rows::Kind reads() const;                  // which rows of the encoder it needs
  bool owns(const Tensor& parameter) const;  // whether it is one of this named head's
  // With a trace, the maps of its own attention and what its classifier reads are added to it.
  Tensor operator()(const Encoded& x, Trace* trace = nullptr) const;

 private:
  Tensor context(const Encoded& x, Trace* trace) const;
};

// (T / 20)^p, T the tokens of each sequence.    [B + 1] -> [B, 1]
Tensor length_factors(const Indices& offsets, real exponent);

// Whether a parameter belongs to one task alone: heads.NAME...., all others are shared.
bool belongs_to_task(const std::string& parameter);

}  // namespace nn
