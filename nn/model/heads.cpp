// The classifiers. Read nn/bert.h first.
#include "nn/model/heads.h"

#include <cmath>

namespace nn {
namespace {

double head_dropout(const Config& c) { return c.classifier_dropout < 0 ? c.hidden_dropout_prob : c.classifier_dropout; }

std::variant<BertClassifier, PoolClassifier> classifier_for(Scope at, const Config& c, PieceRows subwords) {
  check(c.labels.size() >= 1, "a classifier needs at least one label");
  if (c.model_type == "bert") return BertClassifier(at, c);
  return PoolClassifier(at, c, std::move(subwords));
}

std::optional<Embedding> table(Scope at, long rows, const Config& c) {
  if (rows == 0) return std::nullopt;
  return Embedding(at, rows, c.hidden_size, c.initializer_range);
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

PoolClassifier::PoolClassifier(Scope at, const Config& c, PieceRows subwords)
    : word(at / "embeddings.word_embeddings", c.vocab_size, c.hidden_size, c.initializer_range),
      bigram(table(at / "embeddings.bigram_embeddings", c.bigram_buckets, c)),
      subword(table(at / "embeddings.subword_embeddings", c.subword_buckets, c)),
      subword_rows(std::move(subwords)),
      dropout(at, head_dropout(c)),
      pool(at / "pool", c.hidden_size, c.num_attention_heads, c.attention_probs_dropout_prob, c.initializer_range,
           AttentionForm(c)),
      length_exponent(real(c.length_exponent)),
      classifier(at / "classifier", c.num_attention_heads * c.hidden_size, long(c.labels.size()), c.initializer_range) {
  check(!subword || subword_rows.pieces() > 0, "subword_buckets {}: the n-grams of the vocabulary are needed, too",
        c.subword_buckets);
}

Tensor PoolClassifier::operator()(const Tokens& tokens, Trace* trace) const {
  AttentionMaps maps;
  const Tensor sum =
      bigram ? embedding_sum({{word.weight, tokens.ids}, {bigram->weight, bigram_rows(tokens, bigram->weight.dim(0))}})
             : word(tokens.ids);
  const Tensor x = dropout(subword ? sum + subword_mean(tokens.ids) : sum);  // [N, C]
  const Tensor context = pool(x, tokens.offsets, trace ? &maps : nullptr);   // [B, H * C]
  if (trace) *trace = {{x}, {maps}};
  if (length_exponent == 0) return classifier(dropout(context));  // [B, K]
  Tensor factors(Shape{tokens.sequences(), 1});                   // (T / 20)^p
  for (long b = 0; b < tokens.sequences(); ++b)
    factors.data()[b] = std::pow(real(tokens.offsets[b + 1] - tokens.offsets[b]) / 20, length_exponent);
  return classifier(dropout(context * factors));  // [B, K]
}

// y_t = 1 / |G| sum over g in G of s_g, G the n-grams of piece ids[t]
Tensor PoolClassifier::subword_mean(const Indices& ids) const {
  const PieceRows grams = subword_rows.of(ids);
  Tensor weights(Shape{long(grams.rows.size()), 1});
  for (long t = 0; t < grams.pieces(); ++t)
    for (int g = grams.offsets[t]; g < grams.offsets[t + 1]; ++g)
      weights.data()[g] = 1 / real(grams.offsets[t + 1] - grams.offsets[t]);
  return segment_attend(weights, (*subword)(grams.rows), grams.offsets);
}

PieceRows PieceRows::of(const Indices& ids) const {
  PieceRows result;
  for (const int id : ids) {
    check(id >= 0 && id < pieces(), "subwords: piece {} is not one of the vocabulary's {}", id, pieces());
    result.rows.insert(result.rows.end(), rows.begin() + offsets[id], rows.begin() + offsets[id + 1]);
    result.offsets.push_back(int(result.rows.size()));
  }
  return result;
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

Classifier::Classifier(Scope at, const Config& c, PieceRows subwords)
    : model_(classifier_for(at, c, std::move(subwords))) {}

Tensor Classifier::operator()(const Tokens& tokens, Trace* trace) const {
  return std::visit([&](const auto& model) { return model(tokens, trace); }, model_);
}

bool belongs_to_head(const std::string& parameter) {
  return parameter.starts_with("classifier.") || parameter.starts_with("bert.pooler.") ||
         parameter == "bert.encoder.retention.weight";  // of a schedule that is to be learned
}

}  // namespace nn
