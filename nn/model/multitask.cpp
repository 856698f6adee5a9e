// An encoder with several heads. Read nn/heads.h first: what a classifier of one task is.
#include "nn/model/multitask.h"

namespace nn {
namespace {

std::variant<Bert, WordEncoder> encoder_for(Scope at, const Config& c) {
  if (c.model_type == "bert") return Bert(at / "bert", c);
  return WordEncoder(at, c);
}

}  // namespace

constexpr real kAdapterDeviation = 0.01;  // as published

Adapter::Adapter(Scope at, long C, long width)
    : down(at / "down", C, width, kAdapterDeviation), up(at / "up", width, C, kAdapterDeviation) {}

TaskHead::TaskHead(Scope at, const Config& c, const HeadConfig& head)
    : config(head),
      dropout(at, c.classifier_dropout < 0 ? c.hidden_dropout_prob : c.classifier_dropout),
      classifier(at / "classifier", (head.own_attention ? head.queries : 1) * c.hidden_size, head.outputs,
                 c.initializer_range) {
  const bool reads_first = !reads_all_tokens();
  check(c.model_type == "bert" || !reads_first, "task '{}': word embeddings alone have no [CLS] to read", head.name);
  if (head.adapter) adapter.emplace(at / "adapter", c.hidden_size, head.adapter);
  if (head.own_attention)
    pool.emplace(at / "pool", c.hidden_size, head.queries, c.attention_probs_dropout_prob, c.initializer_range,
                 AttentionForm(c));
  if (reads_first) pooler.emplace(at / "pooler.dense", c.hidden_size, c.hidden_size, c.initializer_range);
}

Tensor TaskHead::operator()(const Encoded& x, Reading* reading) const {
  Tensor context = reads_all_tokens() ? x.tokens : x.first;  // [N, C] or [B, C]
  check(bool(context), "task '{}': the encoder was not asked for the rows that this head reads", config.name);
  if (adapter) context = (*adapter)(context);
  if (pool) context = (*pool)(context, x.offsets, reading ? &reading->attention : nullptr);  // [N, C] -> [B, H * C]
  if (pooler) context = engine::tanh((*pooler)(context));
  if (reading) reading->context = context;
  return classifier(dropout(context));  // [B, K] or [N, K]
}

WordEncoder::WordEncoder(Scope at, const Config& c)
    : word(at / "embeddings.word_embeddings", c.vocab_size, c.hidden_size, c.initializer_range),
      dropout(at, c.hidden_dropout_prob) {}

MultitaskNet::MultitaskNet(Scope at, const Config& c, const std::vector<HeadConfig>& tasks)
    : encoder(encoder_for(at, c)) {
  for (const HeadConfig& task : tasks) heads.emplace_back(at / "heads" / task.name, c, task);
}

Encoded MultitaskNet::encode(const Tokens& tokens, bool all_tokens) const {
  if (const WordEncoder* words = std::get_if<WordEncoder>(&encoder)) return {(*words)(tokens), {}, tokens.offsets};
  const Bert& bert = std::get<Bert>(encoder);
  if (!all_tokens) return {{}, bert.first_rows(tokens), tokens.offsets};
  const Tensor x = bert(tokens);
  return {x, gather_rows(x, Indices(tokens.offsets.begin(), tokens.offsets.end() - 1)), tokens.offsets};
}

bool belongs_to_task(const std::string& parameter) { return parameter.starts_with("heads."); }

}  // namespace nn
