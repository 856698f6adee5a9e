// The encoder-decoder: layers, whole passes, directories. Read nn/attention.h first, nn/model/decoding.cpp next.
#include "nn/model/decoder.h"

#include <cmath>
#include <filesystem>

#include "engine/parallel.h"
#include "nn/format/quantization.h"

namespace nn {
namespace {

// Xavier's uniform distribution (Glorot, Bengio 2010), bound gain sqrt(6 / (inputs + outputs)); as fairseq, q, k and v
// with a gain of 1/sqrt(2). Biases begin at 0.
Linear xavier(Scope at, long inputs, long outputs, double gain = 1) {
  const real bound = real(gain * std::sqrt(6. / double(inputs + outputs)));
  return {at.parameter("weight", {outputs, inputs}, {Init::uniform, bound}),
          at.parameter("bias", {outputs}, {Init::constant, 0})};
}

MultiHeadAttention attention_of(Scope at, const TranslationConfig& c, long heads) {
  const auto projection = [&](const char* name) { return xavier(at / name, c.d_model, c.d_model, std::sqrt(0.5)); };
  const Linear k = projection("k_proj"), v = projection("v_proj"), q = projection("q_proj");  // as published files
  return {q, k, v, Dropout(at, c.attention_dropout), heads};
}

// position p: sin(p w_i) in the first half of the columns, cos(p w_i) in the second, w_i = 10000^(-2i/C)
Tensor sinusoids(long P, long C) {
  Tensor table({P, C});
  for (long i = 0; i < C / 2; ++i) {
    const double w = std::pow(10000., -2. * double(i) / double(C));
    for (long p = 0; p < P; ++p) {
      table.data()[p * C + i] = real(std::sin(double(p) * w));
      table.data()[p * C + C / 2 + i] = real(std::cos(double(p) * w));
    }
  }
  return table;
}

}  // namespace

Residual::Residual(Scope at, const TranslationConfig& c)
    : norm(at, c.d_model, real(c.layer_norm_eps)), dropout(at, c.dropout), before(c.normalize_before) {}

Tensor Residual::leaving(const Tensor& y, const Tensor& x) const {
  if (before) return x + dropout(y);
  return dropout_add_norm(y, x, norm.weight, norm.bias, norm.eps, dropout.mask());
}

AttentionPart::AttentionPart(Scope layer, const std::string& name, const TranslationConfig& c, long heads)
    : attention(attention_of(layer / name, c, heads)),
      out(xavier(layer / name / "out_proj", c.d_model, c.d_model)),
      residual(layer / (name + "_layer_norm"), c) {}

Tensor AttentionPart::operator()(const Tensor& x, const Ragged& layout, AttentionMaps* maps) const {
  const Tensor read = residual.entering(x);
  return residual.leaving(out(attention(read, read, layout, maps)), x);
}

Tensor AttentionPart::operator()(const Tensor& x, const Tensor& memory, const Ragged& layout,
                                 AttentionMaps* maps) const {
  return residual.leaving(out(attention(residual.entering(x), memory, layout, maps)), x);
}

FeedForwardPart::FeedForwardPart(Scope layer, const TranslationConfig& c, long inner_width)
    : fc1(xavier(layer / "fc1", c.d_model, inner_width)),
      fc2(xavier(layer / "fc2", inner_width, c.d_model)),
      inner(layer, c.activation_dropout),
      activation(activation_named(c.activation_function)),
      residual(layer / "final_layer_norm", c) {}

Tensor FeedForwardPart::operator()(const Tensor& x) const {
  return residual.leaving(fc2(inner(activation(fc1(residual.entering(x))))), x);
}

EncoderDecoder::EncoderDecoder(const TranslationConfig& c, uint64_t seed)
    : config(c),
      params(seed),
      shared(
          (params.root() / "model.shared")
              .parameter("weight", {c.vocab_size, c.d_model}, {Init::normal, real(1 / std::sqrt(double(c.d_model)))})),
      final_logits_bias(params.root().parameter("final_logits_bias", {1, c.vocab_size}, {Init::constant, 0})),
      dropout(params.root(), c.dropout),
      positions(sinusoids(c.max_position_embeddings, c.d_model)) {
  final_logits_bias.require_grad(false);
  const Scope model = params.root() / "model";
  for (long i = 0; i < c.encoder_layers; ++i) {
    const Scope at = model / "encoder.layers" / std::to_string(i);
    encoder.push_back(
        {AttentionPart(at, "self_attn", c, c.encoder_attention_heads), FeedForwardPart(at, c, c.encoder_ffn_dim)});
  }
  for (long i = 0; i < c.decoder_layers; ++i) {
    const Scope at = model / "decoder.layers" / std::to_string(i);
    decoder.push_back({AttentionPart(at, "self_attn", c, c.decoder_attention_heads),
                       AttentionPart(at, "encoder_attn", c, c.decoder_attention_heads),
                       FeedForwardPart(at, c, c.decoder_ffn_dim)});
  }
  if (c.normalize_before)
    for (const char* side : {"encoder.layer_norm", "decoder.layer_norm"})
      last_norms.emplace_back(model / side, c.d_model, real(c.layer_norm_eps));
}

// x = E[id] sqrt(C) + position.    N ids -> [N, C]
// The row of the padding token, with which a target begins, takes no gradient from here: published tables have a
// padding row that only their output side moves. Its values enter as constants.
Tensor EncoderDecoder::embed(const Indices& ids, const Indices& places) const {
  const long C = config.d_model, N = long(ids.size());
  const real scale = config.scale_embedding ? std::sqrt(real(C)) : 1;
  Tensor constants(Shape{N, C});
  Indices rows, others;
  for (long i = 0; i < N; ++i) {
    std::copy_n(positions.data() + places[i] * C, C, constants.data() + i * C);
    const bool padding = ids[i] == config.pad_token_id;
    const real* row = shared.data() + ids[i] * C;
    for (long c = 0; padding && c < C; ++c) constants.data()[i * C + c] += scale * row[c];
    if (padding) continue;
    rows.push_back(int(i));
    others.push_back(ids[i]);
  }
  if (others.empty()) return constants;
  const Tensor words = embedding(shared, others) * scale;
  return (long(others.size()) == N ? words : scatter_rows(words, rows, N)) + constants;
}

void EncoderDecoder::check_places(const Tokens& tokens, const char* side) const {
  for (long b = 0; b < tokens.sequences(); ++b)
    check(tokens.offsets[b + 1] - tokens.offsets[b] <= config.max_position_embeddings,
          "a {} of {} pieces; the model has {} positions", side, tokens.offsets[b + 1] - tokens.offsets[b],
          config.max_position_embeddings);
  for (const int id : tokens.ids)
    check(id >= 0 && id < config.vocab_size, "a {} has piece {}; the model's vocabulary has {}", side, id,
          config.vocab_size);
}

Tensor EncoderDecoder::encode(const Tokens& source, TranslationTrace* trace) const {
  check_places(source, "source");
  const Ragged layout(source.offsets, config.encoder_attention_heads);
  Tensor x = dropout(embed(source.ids, source.positions));  // [N, C]
  if (trace) trace->encoder_hidden = {x};
  for (const EncoderLayer& layer : encoder) {
    AttentionMaps maps;
    x = layer.feed(layer.self(x, layout, trace ? &maps : nullptr));
    if (trace) trace->encoder.push_back(maps), trace->encoder_hidden.push_back(x);
  }
  return last_norms.empty() ? x : last_norms[0](x);
}

Tensor EncoderDecoder::decode(const Tokens& input, const Tensor& memory, const Indices& memory_offsets,
                              TranslationTrace* trace) const {
  check_places(input, "target");
  const Ragged past(input.offsets, config.decoder_attention_heads, true);
  const Ragged across(input.offsets, memory_offsets, config.decoder_attention_heads);
  Tensor x = dropout(embed(input.ids, input.positions));  // [M, C]
  if (trace) trace->decoder_hidden = {x};
  for (const DecoderLayer& layer : decoder) {
    AttentionMaps self, cross;
    x = layer.self(x, past, trace ? &self : nullptr);
    x = layer.feed(layer.cross(x, memory, across, trace ? &cross : nullptr));
    if (trace) trace->decoder.push_back(self), trace->cross.push_back(cross), trace->decoder_hidden.push_back(x);
  }
  return last_norms.empty() ? x : last_norms[1](x);
}

Tensor EncoderDecoder::logits(const Tensor& state) const {
  if (packed_output && !recording()) return linear(state, *packed_output);
  return linear(state, shared, reshape(final_logits_bias, {config.vocab_size}));
}

void EncoderDecoder::for_each_linear(const std::function<void(Linear&)>& f) {
  const auto of_part = [&](AttentionPart& part) {
    for (Linear* layer : {&part.attention.query, &part.attention.key, &part.attention.value, &part.out}) f(*layer);
  };
  const auto of_feed = [&](FeedForwardPart& feed) {
    f(feed.fc1);
    f(feed.fc2);
  };
  for (EncoderLayer& layer : encoder) {
    of_part(layer.self);
    of_feed(layer.feed);
  }
  for (DecoderLayer& layer : decoder) {
    of_part(layer.self);
    of_part(layer.cross);
    of_feed(layer.feed);
  }
}

void EncoderDecoder::pack() {
  if (instructions_here().back() == Instructions::portable) return;
  for_each_linear([](Linear& layer) {
    if (!layer.packed) layer.packed = std::make_shared<PackedLinear>(layer.weight, layer.bias);
  });
  if (!packed_output)
    packed_output = std::make_shared<PackedLinear>(shared, reshape(final_logits_bias, {config.vocab_size}));
}

namespace {

// Older files have the tables of sines and cosines, too, rounded maybe; others than those nothing here would train.
void check_positions(const SafeTensors& file, const Tensor& positions) {
  constexpr real kRounding = real(0.01);  // of BF16: 2^-8
  for (const char* name : {"model.encoder.embed_positions.weight", "model.decoder.embed_positions.weight"}) {
    if (!file.has(name)) continue;
    const Tensor table = file.read(name);
    bool same = table.shape() == positions.shape();
    for (long i = 0; same && i < table.numel(); ++i)
      same = std::abs(table.data()[i] - positions.data()[i]) <= kRounding;
    check(same, "{}: {} is not the table of sines and cosines; positions that were learned are not supported",
          file.path(), name);
  }
}

}  // namespace

std::unique_ptr<EncoderDecoder> load_translation(const std::string& directory) {
  auto model = std::make_unique<EncoderDecoder>(read_translation_config(directory), 0);
  const SafeTensors file = open_weights(directory);
  model->params.load(file, [](const std::string& name) { return name == "final_logits_bias"; });
  check_positions(file, model->positions);
  check_int8(file, model->config.int8);
  if (!model->config.int8) return model;
  model->for_each_linear([&](Linear& layer) { take_int8(file, layer.weight.name(), layer); });
  Linear output(model->shared, reshape(model->final_logits_bias, {model->config.vocab_size}));
  take_int8(file, model->shared.name(), output);
  model->packed_output = output.packed;
  return model;
}

void save_translation(const EncoderDecoder& model, const std::string& directory, Stored stored) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  check(!error, "{}: cannot be created: {}", directory, error.message());
  const bool int8 = stored == Stored::i8;
  check(!int8 || fits_int8(model.shared), "{}: the model has not 16 pieces and columns: int8 would not make it smaller",
        directory);
  save_safetensors(directory + "/model.safetensors", model.params.tensors(), {},
                   [=](const Tensor& t) { return int8 && !fits_int8(t) ? Stored::f32 : stored; });
  TranslationConfig config = model.config;
  config.int8 = int8;
  write_file(directory + "/config.json", translation_config_json(config));
  write_file(directory + "/generation_config.json", generation_config_json(config));
}

}  // namespace nn
