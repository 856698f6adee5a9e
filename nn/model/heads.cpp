// The heads in terms of layers. Read nn/model/heads.h first: the formulas.
#include "nn/model/heads.h"

#include <algorithm>
#include <cmath>

namespace nn {
namespace {

// Where the parameters of a head begin: under its name, or, of the only one, where Hugging Face has them.
Scope scope_of(Scope root, const HeadConfig& head) { return head.name.empty() ? root : root / "heads" / head.name; }

std::string title(const HeadConfig& head) { return head.name.empty() ? "the head" : "task '" + head.name + "'"; }

}  // namespace

Tensor length_factors(const Indices& offsets, real exponent) {
  Tensor factors(Shape{long(offsets.size()) - 1, 1});
  for (size_t b = 0; b + 1 < offsets.size(); ++b)
    factors.data()[b] = std::pow(real(offsets[b + 1] - offsets[b]) / 20, exponent);
  return factors;
}

MaskedLm::MaskedLm(Scope at, const Tensor& word_embeddings, const Config& c)
    : dense(at / "transform.dense", c.hidden_size, c.hidden_size, c.initializer_range),
      activation(activation_named(c.hidden_act)),
      norm(at / "transform.LayerNorm", c.hidden_size, c.layer_norm_eps),
      decoder(word_embeddings, at.parameter("bias", {c.vocab_size}, {Init::constant, 0})) {}

Tensor Ranks::operator()(const Tensor& h) const {
  Tensor ones({bias.dim(0), 1});
  std::fill_n(ones.data(), ones.numel(), real(1));
  return linear(linear(h, weight), ones, bias);  // [B, W] -> [B, 1] -> [B, K - 1]
}

Head::Head(Scope root, const Config& c, const HeadConfig& head, const Tensor& word_embeddings)
    : config(head), dropout(root, c.reading_dropout()), length_exponent(real(c.length_exponent)) {
  const Scope at = scope_of(root, head);
  const bool bert = c.model_type == "bert", tokens = head.predicts == Predicts::tags;
  if (tokens) config.reads = Reads::tokens;
  check(bert || config.reads != Reads::first, "{}: word embeddings alone have no [CLS] to read", title(head));
  check(tokens == (config.reads == Reads::tokens), "{}: what reads every token by itself predicts tags", title(head));
  check(!tokens || (c.token_retention.empty() && !c.retention_bins),
        "{}: a model with token_retention leaves tokens behind; what reads every token needs another", title(head));
  if (head.predicts == Predicts::pieces) {
    masked_lm.emplace(at / "cls.predictions", word_embeddings, c);
    return;
  }
  if (head.adapter) adapter.emplace(at / "adapter", c.hidden_size, head.adapter);
  if (config.reads == Reads::attention)
    pool.emplace(at / "pool", c.hidden_size, head.queries, c.attention_probs_dropout_prob, c.initializer_range,
                 AttentionForm(c));
  if (config.reads == Reads::first && head.predicts != Predicts::vector)
    pooler.emplace((head.name.empty() ? at / "bert" : at) / "pooler.dense", c.hidden_size, c.hidden_size,
                   c.initializer_range);
  const long width = (pool ? head.queries : 1) * c.hidden_size;
  if (head.predicts == Predicts::ordinal)
    ranks.emplace(at / "classifier", width, head.outputs, c.initializer_range);
  else if (head.predicts != Predicts::vector)
    classifier.emplace(at / "classifier", width, head.outputs, c.initializer_range);
  else if (head.outputs)
    classifier.emplace(at / "projection", width, head.outputs, c.initializer_range);
}

Rows::Kind Head::reads() const {
  if (masked_lm) return Rows::some;
  return config.reads == Reads::first ? Rows::first : Rows::all;
}

bool Head::owns(const Tensor& parameter) const {
  return !config.name.empty() && parameter.name().starts_with("heads." + config.name + ".");
}

// What the classifier reads.    [N, C] -> [B, W]; of tags [N, C]
Tensor Head::context(const Encoded& x, Trace* trace) const {
  Tensor rows = x.tokens;
  if (config.reads == Reads::first)
    rows = x.first ? x.first : x.tokens ? gather_rows(x.tokens, first_of(x.offsets)) : rows;
  check(bool(rows), "{}: the encoder was not asked for the rows that this head reads", title(config));
  if (adapter) rows = (*adapter)(rows);
  if (pooler) return engine::tanh((*pooler)(rows));
  if (config.reads == Reads::mean) return mean_pool(rows, x.offsets);
  if (!pool) return rows;
  AttentionMaps maps;
  const Tensor y = (*pool)(rows, x.offsets, trace ? &maps : nullptr);  // [N, C] -> [B, H * C]
  maps.rows = x.rows;
  if (trace) trace->attention.push_back(maps);
  return length_exponent == 0 ? y : y * length_factors(x.offsets, length_exponent);
}

Tensor Head::operator()(const Encoded& x, Trace* trace) const {
  if (masked_lm) {
    check(bool(x.some), "{}: the encoder was not asked for given rows", title(config));
    return (*masked_lm)(x.some);  // [M, C] -> [M, V]
  }
  const Tensor read = context(x, trace);
  if (trace) trace->context = read;
  if (config.predicts == Predicts::vector) return classifier ? (*classifier)(read) : read;  // [B, C]
  if (ranks) return (*ranks)(dropout(read));                                                // [B, K - 1]
  return (*classifier)(dropout(read));                                                      // [B, K] or [N, K]
}

bool belongs_to_task(const std::string& parameter) { return parameter.starts_with("heads."); }

}  // namespace nn
