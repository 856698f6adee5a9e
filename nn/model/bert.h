// BERT (Devlin, Chang, Lee, Toutanova 2019) over packed batches, with the parameter names of published checkpoints.
// N tokens of B sequences; C = hidden_size, H heads, F = intermediate_size, L layers.
#pragma once

#include <optional>

#include "nn/adapter/bottleneck.h"
#include "nn/attention.h"
#include "nn/format/config.h"
#include "nn/tokens.h"

namespace nn {

// hidden_act as a function: gelu, gelu_new (by tanh), relu, silu, tanh.
using Activation = Tensor (*)(const Tensor&);
Activation activation_named(const std::string& name);

// x = dropout(LayerNorm(word + type + position))          [N] -> [N, C]
struct BertEmbeddings {
  Embedding word, position, type;
  LayerNorm norm;
  Dropout dropout;
  int first_position = 0;  // of every sequence; behind a prefix (nn/attention.h) its length
  BertEmbeddings(Scope at, const Config& c);
  Tensor sum(const Tokens& tokens) const;                                // word + type + position
  Tensor finish(const Tensor& sum) const { return dropout(norm(sum)); }  // for those who bring the sum themselves
  Tensor operator()(const Tokens& tokens) const { return finish(sum(tokens)); }
  std::vector<Tensor> parameters() const;
  std::vector<Embedding*> tables() { return {&word, &position, &type}; }
};

// y = LayerNorm(dropout(dense(x)) + residual), or with a bottleneck before the norm.       [N, in], [N, C] -> [N, C]
struct BertOutput {
  Linear dense;
  LayerNorm norm;
  Dropout dropout;
  std::optional<InLayer> adapter = {};
  BertOutput(Scope at, long inputs, const Config& c);
  Tensor operator()(const Tensor& x, const Tensor& residual) const { return finish(dense(x), residual); }
  Tensor finish(const Tensor& projected, const Tensor& residual) const {
    if (adapter) return (*adapter)(dropout(projected), residual, norm);
    return dropout_add_norm(projected, residual, norm.weight, norm.bias, norm.eps, dropout.mask());
  }
};

// Attention, then a feed-forward network, each with its residual, normalised after the sum.
struct BertLayer {
  MultiHeadAttention attention;
  BertOutput attention_output;
  Linear intermediate;
  BertOutput output;
  Activation activation;
  BertLayer(Scope at, const Config& c, long index);
  // The rows x ask, the rows `memory` are looked at; as a rule they are the same.    [Nq, C], [Nk, C] -> [Nq, C]
  Tensor attend(const Tensor& x, const Tensor& memory, const Ragged& layout, AttentionMaps* maps = nullptr,
                Tensor* received = nullptr) const;
  Tensor feed(const Tensor& attended, const Tensor& gate = {}) const;  // [N, C] -> [N, F], times gate [F] -> [N, C]
  std::vector<Tensor> parameters() const;
};

// A layer of which only given rows, ascending, will be read: they ask and go through the feed-forward network, all are
// looked at. Where a sequence has none of them, the whole layer runs.   [N, C], M rows -> [M, C]
Tensor layer_at_rows(const BertLayer& layer, const Tensor& x, const Indices& offsets, const Indices& rows);

// The embeddings and the layers. With token_retention, tokens that receive little attention leave between the attention
// and the feed-forward network of a layer (nn/model/token_pruning.h): from there on they cost nothing. With
// attention_window a token sees its neighbours and the global tokens (Ragged::within).
struct Bert {
  BertEmbeddings embeddings;
  std::vector<BertLayer> layers;
  std::vector<double> schedule;  // x L, or nothing: the share of the tokens that goes on from each layer
  Tensor retention;              // [L, P], or nothing: the same while it is learned
  long window, globals;
  Bert(Scope at, const Config& c);
  // Entered behind the embeddings. In the last layer only the rows that will be read ask, and only they go through the
  // feed-forward network, unless a trace is asked for: the same numbers for a fraction of that layer's work.
  //   x [N, C], offsets [B + 1] -> the rows of `read`.   Error: `some` rows of a model that leaves tokens behind.
  Encoded run(const Tensor& x, const Indices& offsets, const Rows& read, Trace* trace = nullptr) const;

 private:
  struct Left;  // the tokens that go on
  Ragged layout(const Indices& offsets, long heads) const;
  Tensor layer(size_t index, const Tensor& x, Left& left, const Indices& full, Trace* trace) const;
};

}  // namespace nn
