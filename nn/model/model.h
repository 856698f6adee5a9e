// Model: an encoder and its named heads, with their parameters. One head without a name is a model of Hugging Face's.
#pragma once

#include <optional>
#include <variant>

#include "nn/adapter/config.h"
#include "nn/model/bert.h"
#include "nn/model/heads.h"
#include "nn/model/words.h"

namespace nn {

// The encoder that config.model_type names.
class Encoder {
 public:
  Encoder(Scope root, const Config& c, PieceRows subwords);
  Tensor embed(const Tokens& tokens) const;  // [N] -> [N, C]
  // Entered behind the embeddings, for those who bring x themselves.    [N, C], [B + 1] -> the rows of `read`
  Encoded run(const Tensor& x, const Indices& offsets, const Rows& read, Trace* trace = nullptr) const;
  Encoded operator()(const Tokens& tokens, const Rows& read, Trace* trace = nullptr) const {
    return run(embed(tokens), tokens.offsets, read, trace);
  }

  const Bert* bert() const { return std::get_if<Bert>(&kind_); }  // or nothing
  Bert* bert() { return std::get_if<Bert>(&kind_); }
  const Words* words() const { return std::get_if<Words>(&kind_); }  // or nothing
  const Tensor& word_embeddings() const;                             // [V, C]
  void for_each_linear(const std::function<void(Linear&)>& f);

 private:
  std::variant<Bert, Words> kind_;
};

struct Model {
  Config config;
  Params params;
  Encoder encoder;
  std::vector<Head> heads;
  std::optional<AdapterConfig> adapter;  // what is on it (nn/adapter/attach.h), or nothing

  // Declares the parameters; initialise() or load them (nn/format/pretrained.h). `subwords`: those of the vocabulary,
  // if the configuration has subword_buckets.
  Model(const Config& c, const std::vector<HeadConfig>& heads, uint64_t seed, PieceRows subwords = {});

  const Head& head() const;  // the only one
  // The rows that these heads read; of all heads, if none is named.
  Rows rows_of(const std::vector<size_t>& heads = {}) const;
  Encoded encode(const Tokens& tokens, Trace* trace = nullptr) const { return encoder(tokens, rows_of(), trace); }
  // Encoder and only head.    [N] -> [B, K]
  Tensor operator()(const Tokens& tokens, Trace* trace = nullptr) const { return head()(encode(tokens, trace), trace); }

  std::vector<Tensor> shared() const;  // the trainable parameters that no head has for itself
  // Every y = x W^T + b, by the name of its weight: where adapters and packed weights go.
  void for_each_linear(const std::function<void(Linear&)>& f);
  // For predictions, once the weights stay as they are: lays them out (engine/packed.h) where that pays. Logits are the
  // same but for rounding; a forward pass whose history is recorded does not see it. As much memory again.
  void pack();
};

// The head that a model directory without task file has, by its configuration: BertForSequenceClassification and so on.
HeadConfig only_head(const Config& c);

// Parameters that a checkpoint may lack and fine-tuning may begin anew: those of heads, a retention schedule.
bool belongs_to_head(const std::string& parameter);

}  // namespace nn
