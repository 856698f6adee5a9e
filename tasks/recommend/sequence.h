// SequenceModel: what a user takes next, by attention over what they took before. I items, C channels, N places of a
// batch of packed histories, B histories.
//
//   item     v_i = m_i e_i + W_w words_i + W_m mean_i + W_a sum_t a_t x_it     identity and text; of the last term
//            a = softmax_t(q . tanh(A x_it + c)), over pieces of its text (additive attention, Wu et al. 2019: NRMS)
//            m_i is 0 for items that nothing was learned of, and in training with probability `identity_dropout`, so
//            that the text learns to stand for an item alone (Volkovs, Yu, Poutanen 2017: DropoutNet)
//   history  x_n = sqrt(C) v_n + p_n, then causal self-attention layers, normalised in front    [N, C]
//   user     last        u_n the last state (Kang, McAuley 2018: SASRec)
//            pooled      u_n = sum_{j <= n} b_j h_j,  b = softmax_j(q . tanh(A h_j + c))     (NRMS's second attention)
//            candidate   u_n as last, and for each candidate i its own attention over the history (Zhou et al. 2018:
//                        DIN):  u_ni = u_n + sum_{j <= n} softmax_j(Q v_i . K h_j / sqrt(D)) V h_j, by heads
//   score    s_ni = v_i . u_n + bias_i
#pragma once

#include <memory>

#include "nn/model/decoder.h"
#include "tasks/recommend/features.h"

namespace recommend {

using engine::Indices;
using engine::Tensor;

struct SequenceConfig {
  long items = 0, hidden = 64, layers = 2, heads = 2, intermediate = 256, positions = 100;
  double dropout = 0.3, attention_dropout = 0, identity_dropout = 0.2;
  std::string user = "last";  // last, pooled, candidate
  double attention_temperature = 1;
  std::string attention_normaliser = "softmax";  // or sparsemax, entmax15
};

// a = softmax(q . tanh(A x + c)) over the rows of each sequence, before it is applied.    [N, C] -> scores [N, 1]
struct AdditiveScores {
  nn::Linear hidden;
  Tensor query;  // [1, width]
  AdditiveScores(nn::Scope at, long C, long width);
  Tensor operator()(const Tensor& x) const;
};

struct SequenceModel {
  SequenceConfig config;
  nn::Params params;
  ItemText text;
  std::vector<char> known;  // [I] items that something was learned of; empty: all

  SequenceModel(const SequenceConfig& config, ItemText text, uint64_t seed);

  // v: [I, C]. `fresh`: means that stand for those of their items, with their gradient.
  Tensor item_vectors(const FreshTexts* fresh = nullptr, Tensor* of_text = nullptr) const;
  // States of packed histories, u of last or pooled.    v [I, C], N ids -> [N, C];  maps: of every layer
  Tensor user_vectors(const Tensor& v, const nn::Tokens& histories, std::vector<nn::AttentionMaps>* maps = nullptr,
                      Tensor* states = nullptr) const;
  // What candidates' own attention adds: rows of `candidates` are the queries of the histories, queries[b] ...
  // queries[b + 1] - 1 those of b.    candidates [Q, C], states h [N, C] -> [Q]
  Tensor candidate_scores(const Tensor& candidates, const Indices& queries, const Tensor& states,
                          const Indices& offsets, nn::AttentionMaps* maps = nullptr) const;
  bool by_candidate() const { return config.user == "candidate"; }

  // Scores of all items for each history, of which the last `positions` items are read; an empty one has the bias
  // alone.    to [histories, I]
  void score(const Tensor& v, const std::vector<Items>& histories, std::span<double> to) const;
  // How much each item of the history (its last `positions`) adds to the score of an item, as far as the last attention
  // says: the value that it hands over, weighted, along the item's vector.    -> [items asked for][T]
  std::vector<std::vector<double>> reasons(const Tensor& v, Items history, const std::vector<int>& items) const;

  Tensor whole_bias() const;  // [I]; of items that nothing was learned of the mean of the others

  Tensor identity, bias, positions;  // e [I, C], [I], [P, C]
  std::vector<nn::EncoderLayer> layers;

 private:
  nn::TranslationConfig layer_config() const;

  nn::LayerNorm last_norm_;
  nn::Dropout dropout_;
  std::vector<nn::Linear> words_, mean_, attended_;  // one each, or none
  std::vector<AdditiveScores> piece_scores_, pool_;
  std::vector<nn::MultiHeadAttention> candidate_;
};

// config.json and model.safetensors, with the items' vectors as they stand: who loads it needs no text and no encoder.
void save_sequence(const SequenceModel& model, const std::string& directory);
std::unique_ptr<SequenceModel> load_sequence(const std::string& directory);

// Histories laid end to end, each by its last `most` items; places count from the first of them.
nn::Tokens packed(const std::vector<Items>& histories, long most);

}  // namespace recommend
