// The classifiers. Read nn/bert.h first.
#include "nn/heads.h"

#include <cmath>

namespace nn {
namespace {

double head_dropout(const Config& c) { return c.classifier_dropout < 0 ? c.hidden_dropout_prob : c.classifier_dropout; }

std::variant<BertClassifier, PoolClassifier> classifier_for(Scope at, const Config& c) {
  check(c.labels.size() >= 1, "a classifier needs at least one label");
  if (c.model_type == "bert") return BertClassifier(at, c);
  return PoolClassifier(at, c);
}

}  // namespace

BertClassifier::BertClassifier(Scope at, const Config& c)
    : bert(at / "bert", c),
      pooler(at / "bert.pooler.dense", c.hidden_size, c.hidden_size, c.initializer_range),
      dropout(at, head_dropout(c)),
      classifier(at / "classifier", c.hidden_size, long(c.labels.size()), c.initializer_range) {}

Tensor BertClassifier::operator()(const Tokens& tokens, Trace* trace) const {
  return classifier(dropout(engine::tanh(pooler(bert.first_rows(tokens, trace)))));  // [B, K]
}

PoolClassifier::PoolClassifier(Scope at, const Config& c)
    : word(at / "embeddings.word_embeddings", c.vocab_size, c.hidden_size, c.initializer_range),
      bigram(c.bigram_buckets ? std::optional<Embedding>(std::in_place, at / "embeddings.bigram_embeddings",
                                                         c.bigram_buckets, c.hidden_size, c.initializer_range)
                              : std::nullopt),
      dropout(at, head_dropout(c)),
      pool(at / "pool", c.hidden_size, c.num_attention_heads, c.attention_probs_dropout_prob, c.initializer_range,
           AttentionForm(c)),
      length_exponent(real(c.length_exponent)),
      classifier(at / "classifier", c.num_attention_heads * c.hidden_size, long(c.labels.size()), c.initializer_range) {
}

Tensor PoolClassifier::operator()(const Tokens& tokens, Trace* trace) const {
  AttentionMaps maps;
  const Tensor sum =
      bigram ? embedding_sum({{word.weight, tokens.ids}, {bigram->weight, bigram_rows(tokens, bigram->weight.dim(0))}})
             : word(tokens.ids);
  const Tensor x = dropout(sum);                                            // [N, C]
  const Tensor context = pool(x, tokens.offsets, trace ? &maps : nullptr);  // [B, H * C]
  if (trace) *trace = {{x}, {maps}};
  if (length_exponent == 0) return classifier(dropout(context));  // [B, K]
  Tensor factors(Shape{tokens.sequences(), 1});                   // (T / 20)^p
  for (long b = 0; b < tokens.sequences(); ++b)
    factors.data()[b] = std::pow(real(tokens.offsets[b + 1] - tokens.offsets[b]) / 20, length_exponent);
  return classifier(dropout(context * factors));  // [B, K]
}

Indices bigram_rows(const Tokens& tokens, long buckets) {
  Indices rows(tokens.ids.size());
  for (long b = 0; b < tokens.sequences(); ++b)
    for (int t = tokens.offsets[b]; t < tokens.offsets[b + 1]; ++t) {
      const int before = t > tokens.offsets[b] ? tokens.ids[t - 1] : -1, pair[2] = {before, tokens.ids[t]};
      const std::string_view bytes(reinterpret_cast<const char*>(pair), sizeof pair);
      rows[t] = int(engine::hash_of(bytes) % uint64_t(buckets));
    }
  return rows;
}

Classifier::Classifier(Scope at, const Config& c) : model_(classifier_for(at, c)) {}

Tensor Classifier::operator()(const Tokens& tokens, Trace* trace) const {
  return std::visit([&](const auto& model) { return model(tokens, trace); }, model_);
}

bool belongs_to_head(const std::string& parameter) {
  return parameter.starts_with("classifier.") || parameter.starts_with("bert.pooler.") ||
         parameter == "bert.encoder.retention.weight";  // of a schedule that is to be learned
}

}  // namespace nn
