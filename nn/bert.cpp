// BERT's embeddings and encoder. Read nn/attention.h first; nn/heads.h puts the classifier on top.
#include "nn/bert.h"

#include <numeric>

namespace nn {
namespace {

Tensor (*activation_named(const std::string& name))(const Tensor&) {
  if (name == "gelu") return gelu;
  if (name == "gelu_new") return gelu_tanh;
  if (name == "relu") return relu;
  check(name == "silu", "hidden_act '{}' is not supported", name);
  return silu;
}

}  // namespace

BertEmbeddings::BertEmbeddings(Scope at, const Config& c)
    : word(at / "word_embeddings", c.vocab_size, c.hidden_size, c.initializer_range),
      position(at / "position_embeddings", c.max_position_embeddings, c.hidden_size, c.initializer_range),
      type(at / "token_type_embeddings", c.type_vocab_size, c.hidden_size, c.initializer_range),
      norm(at / "LayerNorm", c.hidden_size, c.layer_norm_eps),
      dropout(at, c.hidden_dropout_prob) {}

Tensor BertEmbeddings::operator()(const Tokens& tokens) const {
  const Tensor sum = embedding_sum(  // [N, C]
      {{word.weight, tokens.ids}, {type.weight, tokens.types}, {position.weight, tokens.positions}});
  return dropout(norm(sum));
}

BertOutput::BertOutput(Scope at, long inputs, const Config& c)
    : dense(at / "dense", inputs, c.hidden_size, c.initializer_range),
      norm(at / "LayerNorm", c.hidden_size, c.layer_norm_eps),
      dropout(at, c.hidden_dropout_prob) {}

BertLayer::BertLayer(Scope at, const Config& c, long index)
    : attention(at / "attention.self", c.hidden_size, c.heads_of(index), c.attention_probs_dropout_prob,
                c.initializer_range, AttentionForm(c), c.heads_of(index) * (c.hidden_size / c.num_attention_heads)),
      attention_output(at / "attention.output", c.heads_of(index) * (c.hidden_size / c.num_attention_heads), c),
      intermediate(at / "intermediate.dense", c.hidden_size, c.neurons_of(index), c.initializer_range),
      output(at / "output", c.neurons_of(index), c),
      activation(activation_named(c.hidden_act)) {}

Tensor BertLayer::attend(const Tensor& x, const Tensor& memory, const Ragged& layout, AttentionMaps* maps) const {
  return attention_output(attention(x, memory, layout, maps), x);  // [Nq, C]
}

Tensor BertLayer::feed(const Tensor& attended, const Tensor& gate) const {
  if (activation == gelu && !gate)
    return output.finish(
        feed_forward(attended, intermediate.weight, intermediate.bias, output.dense.weight, output.dense.bias),
        attended);
  const Tensor active = activation(intermediate(attended));  // [N, F]
  return output(gate ? active * gate : active, attended);    // [N, C]
}

Bert::Bert(Scope at, const Config& c) : embeddings(at / "embeddings", c) {
  for (long i = 0; i < c.num_hidden_layers; ++i) layers.emplace_back(at / "encoder.layer" / std::to_string(i), c, i);
}

Tensor Bert::operator()(const Tokens& tokens, Trace* trace) const {
  Tensor x = embeddings(tokens);  // [N, C]
  if (trace) trace->hidden = {x};
  for (size_t i = 0; i < layers.size(); ++i) {
    AttentionMaps maps;
    if (trace && !trace->head_gates.empty()) maps.gate = trace->head_gates[i];
    const Ragged layout(tokens.offsets, layers[i].attention.heads);
    const Tensor attended = layers[i].attend(x, x, layout, trace ? &maps : nullptr);                          // [N, C]
    x = layers[i].feed(attended, trace && !trace->neuron_gates.empty() ? trace->neuron_gates[i] : Tensor());  // [N, C]
    if (!trace) continue;
    trace->hidden.push_back(x);
    trace->attention.push_back(maps);
  }
  return x;
}

Tensor Bert::first_rows(const Tokens& tokens) const {
  Tensor x = embeddings(tokens);  // [N, C]
  for (size_t i = 0; i + 1 < layers.size(); ++i)
    x = layers[i].feed(layers[i].attend(x, x, Ragged(tokens.offsets, layers[i].attention.heads)));
  Indices one_each(tokens.offsets.size());
  std::iota(one_each.begin(), one_each.end(), 0);
  const Indices first(tokens.offsets.begin(), tokens.offsets.end() - 1);  // where each [CLS] stands
  const BertLayer& last = layers.back();
  return last.feed(
      last.attend(gather_rows(x, first), x, Ragged(one_each, tokens.offsets, last.attention.heads)));  // [B, C]
}

}  // namespace nn
