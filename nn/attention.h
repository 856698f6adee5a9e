// Attention layers: multi-head (self, cross, causal) and pooling by learned queries.
#pragma once

#include "nn/format/config.h"
#include "nn/layers.h"

namespace nn {

// What an attention layer did, for those who ask: tensors that losses can stand on.
struct AttentionMaps {
  Ragged layout;         // says how scores and probs lie
  Tensor scores, probs;  // [S] each: before and after the softmax
  Tensor q, k, v;        // [N, C] each; a pooling layer has none
  Tensor gate = {};      // [C], given by who asks, or nothing: factors of what the heads return, a head's side by side
  Indices rows = {};     // which tokens of the batch the keys are, where some were left behind; empty: all
};

// What a model did on the way, for those who ask.
struct Trace {
  std::vector<Tensor> hidden;            // [N, C] x (L + 1): the embeddings, then the output of every layer; of the
                                         // tokens that are left there
  std::vector<AttentionMaps> attention;  // of every layer, then of a head's own queries
  Tensor context;                        // [B, W] what a head's classifier reads; of tags [N, C]
  // Given by who asks, or nothing: factors of what the heads return (AttentionMaps::gate), and of what the neurons of
  // the feed-forward network do.
  std::vector<Tensor> head_gates = {}, neuron_gates = {};  // x L: [C], [F]
};

// What makes the probabilities: p = softmax(scores / temperature), or a sparse sibling of the softmax (engine/ops.h).
enum class Normaliser { softmax, sparsemax, entmax15 };
struct AttentionForm {
  Normaliser normaliser = Normaliser::softmax;
  real temperature = 1;  // above 1 attention is flatter, below 1 sharper
  explicit AttentionForm(const Config& c);
  AttentionForm() = default;
};

// Rows of keys and values of a layer's own, which every query sees before the tokens of its sequence (Li, Liang 2021,
// "Prefix-tuning"): columns first ... first + 2 C - 1 of `table` are the P keys, then the P values.
//   k_b = [prefix keys; k of sequence b],   v_b likewise
// With maps, scores and probabilities are those of the tokens alone: what a row lacks to 1 went to the prefix.
struct Prefix {
  Tensor table;    // [P, 2 C of every layer side by side], or nothing
  long first = 0;  // column
};

// softmax(q k^T / sqrt(D)) v per head, with q from x, and k and v from `memory` (Vaswani et al. 2017). Self-attention
// passes x as memory; a causal layout hides what comes later. The output projection is the caller's.
//   x [Nq, C], memory [Nk, C] -> [Nq, C]
struct MultiHeadAttention {
  Linear query, key, value;
  Dropout dropout;
  long heads;
  AttentionForm form;
  Prefix prefix = {};
  MultiHeadAttention(Scope at, long C, long H, real p, real deviation, const AttentionForm& attention_form = {},
                     long inner = 0)  // columns of q, k and v; 0: C
      : query(at / "query", C, inner ? inner : C, deviation),
        key(at / "key", C, inner ? inner : C, deviation),
        value(at / "value", C, inner ? inner : C, deviation),
        dropout(at, p),
        heads(H),
        form(attention_form) {
    const long width = inner ? inner : C;
    check(H > 0 && width % H == 0, "attention: the width must be a multiple of the heads; got {} and {}", width, H);
  }
  // Of layers that were born under other names.
  MultiHeadAttention(Linear q, Linear k, Linear v, const Dropout& of_probs, long H)
      : query(std::move(q)), key(std::move(k)), value(std::move(v)), dropout(of_probs), heads(H) {}
  // With `maps`, or a sparse normaliser, the open form runs and fills them; else the fused one. The results are the
  // same. `received`, if given, becomes the attention that each row of memory receives, [Nk], without a gradient.
  Tensor operator()(const Tensor& x, const Tensor& memory, const Ragged& layout, AttentionMaps* maps = nullptr,
                    Tensor* received = nullptr) const;

 private:
  Tensor behind_prefix(const Tensor& x, const Tensor& memory, const Ragged& layout, AttentionMaps* maps,
                       Tensor* received, real scale) const;
};

// Attention pooling: one vector for a sequence of any length, by H learned queries.
//   a_t = softmax_t(q_h . x_t / sqrt(d)),   C_h = sum_t a_t x_t        x [N, C], offsets [B + 1] -> [B, H * C]
struct AttentionPool {
  Tensor queries;   // [H, C]
  Dropout dropout;  // of the weights a: a token is left out, as far as the head is concerned
  AttentionForm form;
  AttentionPool(Scope at, long C, long H, real p, real deviation, const AttentionForm& attention_form = {})
      : queries(at.parameter("queries", {H, C}, {Init::normal, deviation})), dropout(at, p), form(attention_form) {}
  // In `maps`, if given, every sequence has one query a head.
  Tensor operator()(const Tensor& x, const Indices& offsets, AttentionMaps* maps = nullptr) const;
};

// The mean over the tokens of each sequence (Reimers & Gurevych 2019).    [N, C], offsets [B + 1] -> [B, C]
Tensor mean_pool(const Tensor& x, const Indices& offsets);

}  // namespace nn
