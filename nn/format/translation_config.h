// TranslationConfig: what an encoder-decoder is and how it is to decode, in the words of Hugging Face's MarianMTModel.
#pragma once

#include <string>
#include <vector>

#include "engine/base.h"

namespace nn {

// The values here are those of a new model; what a directory does not say has Hugging Face's.
struct TranslationConfig {
  long vocab_size = 0;  // of both sides: source, target and output share one table
  long d_model = 128;
  long encoder_layers = 4, decoder_layers = 4;
  long encoder_attention_heads = 4, decoder_attention_heads = 4;
  long encoder_ffn_dim = 256, decoder_ffn_dim = 256;
  std::string activation_function = "relu";  // gelu, gelu_new, relu, silu, tanh
  double dropout = 0.1, attention_dropout = 0, activation_dropout = 0;
  bool scale_embedding = true;  // embeddings times sqrt(d_model)
  // Layers normalise what they read, and a norm follows the last one. Hugging Face's Marian has no such form, so the
  // directory names a type of attune's own.
  bool normalize_before = false;
  double layer_norm_eps = 1e-5;
  double init_std = 0.02;  // passed on; a new model is drawn as nn/model/decoder.cpp says
  long max_position_embeddings = 512;
  long pad_token_id = 0, eos_token_id = 0, decoder_start_token_id = 0;

  // Decoding: by generation_config.json; where there is none, by config.json.
  long num_beams = 5;
  double length_penalty = 1;
  long max_length = 512;                 // the start token and the end included
  long min_length = 0;                   // the start token included: before so many there is no end
  long no_repeat_ngram_size = 0;         // 0: as they come
  std::string early_stopping = "never";  // false, true, never; empty: a directory does not say it
  long forced_bos_token_id = -1;         // what every target begins with; -1: nothing
  bool forces_end = true;                // forced_eos_token_id: at max_length stands the end, whatever else is likelier
  std::vector<long> forbidden = {};      // bad_words_ids of one token each
  bool renormalize_logits = false;       // log p is of what may follow alone; else the forbidden keep their probability

  bool int8 = false;  // quantization_config: weights are int8 (nn/format/quantization.h), for translating alone

  void check_sizes(const std::string& where) const;  // throws on what no model can have
};

// DIR/config.json and, if there, DIR/generation_config.json, which alone says then how to decode. Keys that do not
// change what is computed are passed over; what this model cannot compute as the file says is an error that names the
// key.
TranslationConfig read_translation_config(const std::string& directory);
std::string translation_config_json(const TranslationConfig& config);
std::string generation_config_json(const TranslationConfig& config);

}  // namespace nn
