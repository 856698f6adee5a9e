// What tests of models share: small configurations, models with first values, batches that look random.
#pragma once

#include <utility>
#include <vector>

#include "nn/model/decoder.h"
#include "nn/model/model.h"
#include "tests/support/support.h"

namespace test {

struct Sizes {
  long vocabulary, width, layers, heads, inner, positions;
};
inline nn::Config sized_config(const Sizes& s) {
  nn::Config c;
  c.vocab_size = s.vocabulary;
  c.hidden_size = s.width;
  c.num_hidden_layers = s.layers;
  c.num_attention_heads = s.heads;
  c.intermediate_size = s.inner;
  c.max_position_embeddings = s.positions;
  return c;
}

// An encoder-decoder of as many layers on either side, without dropout; the last piece pads and begins.
inline nn::TranslationConfig sized_translation(const Sizes& s) {
  nn::TranslationConfig c;
  c.vocab_size = s.vocabulary;
  c.d_model = s.width;
  c.encoder_layers = c.decoder_layers = s.layers;
  c.encoder_attention_heads = c.decoder_attention_heads = s.heads;
  c.encoder_ffn_dim = c.decoder_ffn_dim = s.inner;
  c.max_position_embeddings = s.positions;
  c.dropout = c.attention_dropout = c.activation_dropout = 0;
  c.pad_token_id = c.decoder_start_token_id = s.vocabulary - 1;
  return c;
}

// Large enough to learn eight sentences. Types: bert, attention_pool.
inline nn::Config small_config(const std::string& type = "bert", double dropout = 0) {
  nn::Config c = sized_config({.vocabulary = 60, .width = 32, .layers = 2, .heads = 4, .inner = 64, .positions = 40});
  c.model_type = type;
  c.hidden_dropout_prob = c.attention_probs_dropout_prob = dropout;
  c.initializer_range = 0.1;
  c.labels = {"negative", "positive", "neutral"};
  return c;
}

// Small enough that every entry of every parameter can be moved by itself.
inline nn::Config tiny_config(const std::string& type = "bert") {
  nn::Config c = small_config(type);
  c.vocab_size = 20;
  c.hidden_size = 6;
  c.num_hidden_layers = 1;
  c.num_attention_heads = 2;
  c.intermediate_size = 8;
  c.max_position_embeddings = 9;
  c.initializer_range = 0.5;
  return c;
}

// A model with first values; with the head that a directory of this configuration has, or with given ones.
struct Drawn : nn::Model {
  Drawn(const nn::Config& c, const std::vector<nn::HeadConfig>& tasks, uint64_t seed = 3, nn::PieceRows subwords = {})
      : nn::Model(c, tasks, seed, std::move(subwords)) {
    params.initialise();
  }
  explicit Drawn(const nn::Config& c, uint64_t seed = 3) : Drawn(c, {nn::only_head(c)}, seed) {}
};

// Sequences of these lengths, of pieces 0 ... 59 that look random and of both types.
inline nn::Tokens sentences(const std::vector<int>& lengths) {
  nn::Tokens tokens;
  tokens.offsets = {0};
  for (size_t b = 0; b < lengths.size(); ++b) {
    for (int t = 0; t < lengths[b]; ++t) {
      tokens.ids.push_back(int((7 * b + 13 * t + t * t) % 60));
      tokens.positions.push_back(t);
      tokens.types.push_back(t % 2);
    }
    tokens.offsets.push_back(int(tokens.ids.size()));
  }
  return tokens;
}

// Sequence b of a batch, alone.
inline nn::Tokens one_of(const nn::Tokens& all, int b) {
  const auto part = [&](const Indices& x) {
    return Indices(x.begin() + all.offsets[b], x.begin() + all.offsets[b + 1]);
  };
  return {part(all.ids), part(all.positions), part(all.types), {0, all.offsets[b + 1] - all.offsets[b]}};
}

// The gradients of all parameters, one behind the other.
inline std::vector<real> gradients_of(const nn::Params& params) {
  std::vector<real> all;
  for (const Tensor& p : params.tensors()) {
    const std::vector<real> g = p.grad_tensor().to_vector();
    all.insert(all.end(), g.begin(), g.end());
  }
  return all;
}

}  // namespace test
