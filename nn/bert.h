// BERT (Devlin, Chang, Lee, Toutanova 2019) over packed batches, with the parameter names of published checkpoints.
// N tokens of B sequences; C = hidden_size, H heads, F = intermediate_size, L layers.
#pragma once

#include "nn/attention.h"
#include "nn/config.h"

namespace nn {

// Sentences laid end to end. There is no padding.
struct Tokens {
  Indices ids, positions, types;  // [N] each
  Indices offsets;                // [B + 1]: sequence b is the rows offsets[b] ... offsets[b + 1] - 1
  long count() const { return long(ids.size()); }
  long sequences() const { return long(offsets.size()) - 1; }
};

// hidden_act as a function: gelu, gelu_new (by tanh), relu, silu, tanh.
using Activation = Tensor (*)(const Tensor&);
Activation activation_named(const std::string& name);

// What a model did on the way, for those who ask.
struct Trace {
  std::vector<Tensor> hidden;            // [N, C] x (L + 1): the embeddings, then the output of every layer; of the
                                         // tokens that are left there
  std::vector<AttentionMaps> attention;  // x L; pooling is one layer
  // Given by who asks, or nothing: factors of what the heads return (AttentionMaps::gate), and of what the neurons of
  // the feed-forward network do.
  std::vector<Tensor> head_gates = {}, neuron_gates = {};  // x L: [C], [F]
};

// x = dropout(LayerNorm(word + type + position))          [N] -> [N, C]
struct BertEmbeddings {
  Embedding word, position, type;
  LayerNorm norm;
  Dropout dropout;
  BertEmbeddings(Scope at, const Config& c);
  Tensor operator()(const Tokens& tokens) const;
};

// y = LayerNorm(dropout(dense(x)) + residual)             [N, in], [N, C] -> [N, C]
struct BertOutput {
  Linear dense;
  LayerNorm norm;
  Dropout dropout;
  BertOutput(Scope at, long inputs, const Config& c);
  Tensor operator()(const Tensor& x, const Tensor& residual) const { return finish(dense(x), residual); }
  Tensor finish(const Tensor& projected, const Tensor& residual) const {
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
};

// The embeddings and the layers. With token_retention, tokens that receive little attention leave between the attention
// and the feed-forward network of a layer (nn/token_pruning.h): from there on they cost nothing. With attention_window
// a token sees its neighbours and the global tokens (Ragged::within).
struct Bert {
  BertEmbeddings embeddings;
  std::vector<BertLayer> layers;
  std::vector<double> schedule;  // x L, or nothing: the share of the tokens that goes on from each layer
  Tensor retention;              // [L, P], or nothing: the same while it is learned
  long window, globals;
  Bert(Scope at, const Config& c);
  // Every token's row, for those who read them all. Error: a schedule, which leaves tokens behind.   [N] -> [N, C]
  Tensor operator()(const Tokens& tokens, Trace* trace = nullptr) const;
  // The rows of [CLS] alone, for heads that read nothing else: in the last layer only they ask, and only they go
  // through the feed-forward network, unless a trace is asked for. The same numbers for a fraction of that layer's
  // work.
  Tensor first_rows(const Tokens& tokens, Trace* trace = nullptr) const;  // [N] -> [B, C]

 private:
  Tensor run(const Tokens& tokens, Trace* trace, bool first_only) const;
  Ragged layout(const Indices& offsets, long heads) const;
};

}  // namespace nn
