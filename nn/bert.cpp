// BERT's embeddings and encoder. Read nn/attention.h first; nn/heads.h puts the classifier on top.
#include "nn/bert.h"

#include <algorithm>

#include "nn/token_pruning.h"

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

Tensor BertLayer::attend(const Tensor& x, const Tensor& memory, const Ragged& layout, AttentionMaps* maps,
                         Tensor* received) const {
  return attention_output(attention(x, memory, layout, maps, received), x);  // [Nq, C]
}

Tensor BertLayer::feed(const Tensor& attended, const Tensor& gate) const {
  if (activation == gelu && !gate)
    return output.finish(
        feed_forward(attended, intermediate.weight, intermediate.bias, output.dense.weight, output.dense.bias),
        attended);
  const Tensor active = activation(intermediate(attended));  // [N, F]
  return output(gate ? active * gate : active, attended);    // [N, C]
}

Bert::Bert(Scope at, const Config& c)
    : embeddings(at / "embeddings", c),
      schedule(c.token_retention),
      window(c.attention_window),
      globals(c.global_tokens) {
  for (long i = 0; i < c.num_hidden_layers; ++i) layers.emplace_back(at / "encoder.layer" / std::to_string(i), c, i);
  if (c.retention_bins)
    retention =
        (at / "encoder.retention").parameter("weight", {c.num_hidden_layers, c.retention_bins}, {Init::constant, 1});
}

Ragged Bert::layout(const Indices& offsets, long heads) const {
  const Ragged all(offsets, heads);
  return window ? all.within(window, globals) : all;
}

Tensor Bert::operator()(const Tokens& tokens, Trace* trace) const {
  check(schedule.empty(), "a model with token_retention leaves tokens behind; what reads every token needs another");
  return run(tokens, trace, nullptr);
}

Tensor Bert::rows(const Tokens& tokens, const Indices& rows) const {
  check(schedule.empty(), "a model with token_retention leaves tokens behind; what reads given ones needs another");
  return run(tokens, nullptr, &rows);
}

Tensor layer_at_rows(const BertLayer& layer, const Tensor& x, const Indices& offsets, const Indices& rows) {
  Indices queries{0};  // where the rows of each sequence begin among those that are read
  bool all_ask = true;
  for (size_t b = 1; b < offsets.size(); ++b) {
    queries.push_back(int(std::lower_bound(rows.begin(), rows.end(), offsets[b]) - rows.begin()));
    all_ask &= queries[b] > queries[b - 1];
  }
  if (!all_ask) return gather_rows(layer.feed(layer.attend(x, x, Ragged(offsets, layer.attention.heads))), rows);
  return layer.feed(layer.attend(gather_rows(x, rows), x, Ragged(queries, offsets, layer.attention.heads)));
}

namespace {

Indices first_of(const Indices& offsets) { return {offsets.begin(), offsets.end() - 1}; }  // where each [CLS] stands

// [CLS] sees everything, with a window, too; other rows do not.
bool whole_view(const Indices& rows, const Indices& offsets) { return rows == first_of(offsets); }

Tensor gate_of(const std::vector<Tensor>& gates, size_t layer) { return gates.empty() ? Tensor() : gates[layer]; }

}  // namespace

Tensor Bert::first_rows(const Tokens& tokens, Trace* trace) const {
  const Indices first = first_of(tokens.offsets);
  return run(tokens, trace, &first);
}

// With `read`, the rows that are read of the last layer; none: all. Where tokens were left behind they are every
// sequence's first.
Tensor Bert::run(const Tokens& tokens, Trace* trace, const Indices* read) const {
  Tensor x = embeddings(tokens);                // [N, C]
  Indices offsets = tokens.offsets, rows = {};  // of the tokens that are left; which they are, once some are not
  if (trace) trace->hidden = {x};
  for (size_t i = 0; i < layers.size(); ++i) {
    const BertLayer& layer = layers[i];
    if (read && !trace && i + 1 == layers.size() && (!window || whole_view(*read, tokens.offsets)))
      return layer_at_rows(layer, x, offsets, schedule.empty() ? *read : first_of(offsets));  // [M, C]
    AttentionMaps maps;
    if (trace) maps.gate = gate_of(trace->head_gates, i);
    const bool hard = !schedule.empty() && schedule[i] < 1;
    Tensor received;  // [N]
    x = layer.attend(x, x, layout(offsets, layer.attention.heads), trace ? &maps : nullptr,
                     hard || retention ? &received : nullptr);  // [N, C]
    maps.rows = rows;
    if (retention) x = soft_extract(x, received, offsets, retention, long(i), globals);
    if (hard) {
      const KeptRows kept = keep_significant(received, offsets, tokens.offsets, schedule[i], globals);
      x = gather_rows(x, kept.rows);  // [N, C] with a smaller N
      if (trace) {
        Indices left;
        for (const int row : kept.rows) left.push_back(rows.empty() ? row : rows[row]);
        rows = left;
      }
      offsets = kept.offsets;
    }
    x = layer.feed(x, trace ? gate_of(trace->neuron_gates, i) : Tensor());  // [N, C]
    if (!trace) continue;
    trace->hidden.push_back(x);
    trace->attention.push_back(maps);
  }
  if (!read) return x;
  return gather_rows(x, schedule.empty() ? *read : first_of(offsets));  // [M, C]
}

}  // namespace nn
