// BERT's embeddings and encoder. Read nn/attention.h first; nn/model/heads.h puts heads on top.
#include "nn/model/bert.h"

#include <algorithm>

#include "nn/model/token_pruning.h"

namespace nn {

Activation activation_named(const std::string& name) {
  if (name == "gelu") return gelu;
  if (name == "gelu_new") return gelu_tanh;
  if (name == "relu") return relu;
  if (name == "tanh") return engine::tanh;
  check(name == "silu", "hidden_act '{}' is not supported", name);
  return silu;
}

BertEmbeddings::BertEmbeddings(Scope at, const Config& c)
    : word(at / "word_embeddings", c.vocab_size, c.hidden_size, c.initializer_range),
      position(at / "position_embeddings", c.max_position_embeddings, c.hidden_size, c.initializer_range),
      type(at / "token_type_embeddings", c.type_vocab_size, c.hidden_size, c.initializer_range),
      norm(at / "LayerNorm", c.hidden_size, c.layer_norm_eps),
      dropout(at, c.hidden_dropout_prob) {}

Tensor BertEmbeddings::sum(const Tokens& tokens) const {
  const long kinds = type.weight.dim(0);
  check(std::ranges::none_of(tokens.types, [&](int t) { return t >= kinds; }),
        "config.json says type_vocab_size {}: the model does not tell a second text (--pair-column) from the first",
        kinds);
  Indices positions = tokens.positions;
  for (int& p : positions) p += first_position;
  Tensor sum = embedding_sum(  // [N, C]
      {{word.weight, tokens.ids}, {type.weight, tokens.types}, {position.weight, positions}});
  if (word.added) sum = sum + word.added(tokens.ids);
  if (type.added) sum = sum + type.added(tokens.types);
  if (position.added) sum = sum + position.added(positions);
  return sum;
}

std::vector<Tensor> BertEmbeddings::parameters() const {
  return {word.weight, position.weight, type.weight, norm.weight, norm.bias};
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
  if (activation == gelu && !gate) return output.finish(feed_forward(attended, intermediate, output.dense), attended);
  const Tensor active = activation(intermediate(attended));  // [N, F]
  return output(gate ? active * gate : active, attended);    // [N, C]
}

std::vector<Tensor> BertLayer::parameters() const {
  std::vector<Tensor> all;
  for (const Linear* linear :
       {&attention.query, &attention.key, &attention.value, &attention_output.dense, &intermediate, &output.dense}) {
    all.push_back(linear->weight);
    all.push_back(linear->bias);
  }
  for (const LayerNorm* norm : {&attention_output.norm, &output.norm}) {
    all.push_back(norm->weight);
    all.push_back(norm->bias);
  }
  return all;
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

struct Bert::Left {
  Indices offsets;    // [B + 1] of the tokens that are left
  Indices rows = {};  // which tokens of the batch they are, once some are not
};

namespace {

Tensor gate_of(const std::vector<Tensor>& gates, size_t layer) { return gates.empty() ? Tensor() : gates[layer]; }

// How many of these rows, which ascend, stand in each sequence, summed up.    [M] -> [B + 1]
Indices offsets_of_rows(const Indices& rows, const Indices& offsets) {
  Indices counts{0};
  size_t at = 0;
  for (size_t b = 0; b + 1 < offsets.size(); ++b) {
    for (; at < rows.size() && rows[at] < offsets[b + 1]; ++at)
      check(rows[at] >= offsets[b] && (at == 0 || rows[at - 1] < rows[at]), "encoder: the rows to be read must ascend");
    counts.push_back(int(at));
  }
  check(at == rows.size(), "encoder: row {} is to be read; the batch has {} tokens", rows[at], offsets.back());
  return counts;
}

bool every_sequence_asks(const Indices& rows, const Indices& offsets) {
  const Indices counts = offsets_of_rows(rows, offsets);
  return std::adjacent_find(counts.begin(), counts.end()) == counts.end();
}

}  // namespace

Tensor layer_at_rows(const BertLayer& layer, const Tensor& x, const Indices& offsets, const Indices& rows) {
  const Indices queries = offsets_of_rows(rows, offsets);
  const bool all_ask = std::adjacent_find(queries.begin(), queries.end()) == queries.end();
  if (!all_ask) return gather_rows(layer.feed(layer.attend(x, x, Ragged(offsets, layer.attention.heads))), rows);
  return layer.feed(layer.attend(gather_rows(x, rows), x, Ragged(queries, offsets, layer.attention.heads)));
}

Tensor Bert::layer(size_t index, const Tensor& x, Left& left, const Indices& full, Trace* trace) const {
  const BertLayer& layer = layers[index];
  AttentionMaps maps;
  if (trace) maps.gate = gate_of(trace->head_gates, index);
  const bool hard = !schedule.empty() && schedule[index] < 1;
  Tensor received;  // [N]
  Tensor y = layer.attend(x, x, layout(left.offsets, layer.attention.heads), trace ? &maps : nullptr,
                          hard || retention ? &received : nullptr);  // [N, C]
  maps.rows = left.rows;
  if (retention) y = soft_extract(y, received, left.offsets, retention, long(index), globals);
  if (hard) {
    const KeptRows kept = keep_significant(received, left.offsets, full, schedule[index], globals);
    y = gather_rows(y, kept.rows);  // [N, C] with a smaller N
    Indices rows;
    for (const int row : kept.rows) rows.push_back(left.rows.empty() ? row : left.rows[row]);
    left = {kept.offsets, rows};
  }
  y = layer.feed(y, trace ? gate_of(trace->neuron_gates, index) : Tensor());  // [N, C]
  if (trace) {
    trace->hidden.push_back(y);
    trace->attention.push_back(maps);
  }
  return y;
}

Encoded Bert::run(const Tensor& x, const Indices& offsets, const Rows& read, Trace* trace) const {
  check(read.kind != Rows::some || schedule.empty(),
        "a model with token_retention leaves tokens behind; what reads given tokens needs another");
  const bool cut =  // a window is for all tokens; a sequence of which no row is read cannot ask
      read.kind == Rows::first || (read.kind == Rows::some && !window && every_sequence_asks(read.which, offsets));
  Left left{offsets};
  Tensor y = x;
  if (trace) trace->hidden = {x};
  for (size_t i = 0; i < layers.size(); ++i) {
    if (cut && !trace && i + 1 == layers.size()) {
      const Indices asking = read.kind == Rows::first ? first_of(left.offsets) : read.which;  // [CLS] sees all
      const Tensor rows = layer_at_rows(layers.back(), y, left.offsets, asking);              // [B, C] or [M, C]
      if (read.kind == Rows::first) return {{}, rows, {}, left.offsets, left.rows};
      return {{}, {}, rows, left.offsets};
    }
    y = layer(i, y, left, offsets, trace);
  }
  if (read.kind == Rows::some) return {y, {}, gather_rows(y, read.which), left.offsets, left.rows};
  if (read.kind == Rows::first) return {{}, gather_rows(y, first_of(left.offsets)), {}, left.offsets, left.rows};
  return {y, {}, {}, left.offsets, left.rows};
}

}  // namespace nn
