// EncoderDecoder: a transformer that reads one sequence and writes another (Vaswani et al. 2017), over packed pairs,
// with the names of Hugging Face's MarianMTModel.
// B pairs; N source tokens, M target tokens; C = d_model, V vocabulary, F feed-forward width.
#pragma once

#include <optional>
#include <vector>

#include "nn/adapter/config.h"
#include "nn/attention.h"
#include "nn/format/safetensors.h"
#include "nn/format/translation_config.h"
#include "nn/model/bert.h"

namespace nn {

// The residual path round a part f of a layer, normalised behind the sum or in front of f:
//   post   y = norm(x + dropout(f(x)))          pre   y = x + dropout(f(norm(x)))          [N, C] -> [N, C]
struct Residual {
  LayerNorm norm;
  Dropout dropout;
  bool before;
  Residual(Scope at, const TranslationConfig& c);
  Tensor entering(const Tensor& x) const { return before ? norm(x) : x; }
  Tensor leaving(const Tensor& y, const Tensor& x) const;
};

// Attention and its output projection.    [Nq, C], [Nk, C] -> [Nq, C]
struct AttentionPart {
  MultiHeadAttention attention;
  Linear out;
  Residual residual;
  AttentionPart(Scope layer, const std::string& name, const TranslationConfig& c, long heads);
  Tensor operator()(const Tensor& x, const Ragged& layout, AttentionMaps* maps) const;  // x looks at itself
  Tensor operator()(const Tensor& x, const Tensor& memory, const Ragged& layout, AttentionMaps* maps) const;
};

// fc2(activation(fc1(x)))    [N, C] -> [N, F] -> [N, C]
struct FeedForwardPart {
  Linear fc1, fc2;
  Dropout inner;
  Activation activation;
  Residual residual;
  FeedForwardPart(Scope layer, const TranslationConfig& c, long inner_width);
  Tensor operator()(const Tensor& x) const;
};

struct EncoderLayer {
  AttentionPart self;
  FeedForwardPart feed;
};
struct DecoderLayer {
  AttentionPart self, cross;
  FeedForwardPart feed;
};

// What a translation model did on the way, for those who ask. hidden[0] is the sum of the embeddings.
struct TranslationTrace {
  std::vector<Tensor> encoder_hidden, decoder_hidden;  // x (L + 1): [N, C], [M, C]
  std::vector<AttentionMaps> encoder, decoder, cross;  // of every layer
};

struct EncoderDecoder {
  TranslationConfig config;
  Params params;
  Tensor shared;             // [V, C]: source, target, output
  Tensor final_logits_bias;  // [1, V]: a constant of the directory, 0 in a new model; it is not trained
  std::vector<EncoderLayer> encoder;
  std::vector<DecoderLayer> decoder;
  std::vector<LayerNorm> last_norms;  // of encoder and decoder, where layers normalise in front
  Dropout dropout;
  Tensor positions;  // [P, C], constant: sin in the first half, cos in the second
  std::shared_ptr<const PackedLinear> packed_output = nullptr;  // the vocabulary's product: after pack(), or of int8
  std::optional<AdapterConfig> adapter;                         // what is on it (nn/adapter/attach.h), or nothing

  EncoderDecoder(const TranslationConfig& config, uint64_t seed);

  // Source -> memory.    N ids -> [N, C].   Error: a sequence beyond the positions.
  Tensor encode(const Tokens& source, TranslationTrace* trace = nullptr) const;
  // Target input (start, then the target without its end) and memory -> the states of the decoder.    -> [M, C]
  Tensor decode(const Tokens& input, const Tensor& memory, const Indices& memory_offsets,
                TranslationTrace* trace = nullptr) const;
  Tensor logits(const Tensor& state) const;  // [M, C] -> [M, V]
  Tensor operator()(const Tokens& source, const Tokens& input, TranslationTrace* trace = nullptr) const {
    return logits(decode(input, encode(source, trace), source.offsets, trace));
  }

  Tensor embed(const Indices& ids, const Indices& places) const;  // [N, C]

  // Lays the weights out for what is computed without a history (engine/packed.h); they must not change afterwards.
  void pack();
  void for_each_linear(const std::function<void(Linear&)>& f);

 private:
  void check_places(const Tokens& tokens, const char* side) const;
};

// DIR/config.json, generation_config.json and model.safetensors; the vocabulary is the tasks'.
std::unique_ptr<EncoderDecoder> load_translation(const std::string& directory);
// As I8 every matrix of 16 rows and columns is written: a quarter of the size, to translate with.
void save_translation(const EncoderDecoder& model, const std::string& directory, Stored stored = Stored::f32);

// Decoding a batch position by position: each row is a hypothesis, whose keys and values of all positions so far are
// kept, as are those of the sources.
class Decoding {
 public:
  Decoding(const EncoderDecoder& model, const Tokens& source);

  // The logits that follow when row j goes on, with ids[j], from row parents[j] of the step before; before the first
  // step there is a row for every sentence. Rows of one sentence stand together, in the order of the sentences; a
  // sentence without a row is finished.    R ids -> [R, V]
  Tensor step(const Indices& ids, const Indices& parents);

 private:
  void take_parents(const Indices& parents);
  void take_ancestors(const Indices& parents);
  Tensor attend_to_past(const AttentionPart& part, const Tensor& x, std::vector<Tensor>& past) const;
  Tensor attend_to_source(const AttentionPart& part, const Tensor& x, const Tensor& kept) const;

  const EncoderDecoder& model_;
  Indices memory_offsets_;                 // [B + 1] of the sentences that go on
  Indices sentence_;                       // [R]: which of them a row belongs to
  Indices queries_;                        // [B + 1]: where each sentence's rows begin
  Indices ancestors_;                      // [R t]: which row of each position a row goes on from
  std::vector<Tensor> memory_;             // of every layer, keys and values side by side: [N, 2 C]
  std::vector<std::vector<Tensor>> past_;  // of every layer and position: [R of then, 2 C]
  long done_ = 0;                          // positions: t
};

}  // namespace nn
