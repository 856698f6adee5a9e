// Several tasks over one encoder: a BERT or plain word embeddings, and what each task adds to it.
#pragma once

#include <optional>
#include <variant>

#include "nn/model/bert.h"

namespace nn {

// What a task predicts: one class of a text, any number of classes, a number, or a class for each token.
enum class HeadKind { label, labels, regression, tokens };

struct HeadConfig {
  std::string name;  // its parameters are heads.NAME....
  HeadKind kind = HeadKind::label;
  long outputs = 1;            // K: the classes; 1 for a number
  bool own_attention = false;  // reads all tokens by queries of its own, not [CLS]; an attention_pool has no other way
  long queries = 1;            // of its own attention
  long adapter = 0;            // width of its own adapter; 0: none
};

// What the encoder made of a batch.
struct Encoded {
  Tensor tokens;    // [N, C], or nothing when no head asks for it
  Tensor first;     // [B, C]: the rows of [CLS], or nothing when the encoder has none
  Indices offsets;  // [B + 1]
};

// What a head did on the way, for those who ask.
struct Reading {
  AttentionMaps attention;  // of its own queries, if it has any
  Tensor context;           // [B, W] what its classifier reads; of tokens [N, C]
};

// y = x + up(relu(down(x))), with weights so small at first that y is nearly x (Houlsby et al. 2019).   [R, C] -> [R, C]
struct Adapter {
  Linear down, up;
  Adapter(Scope at, long C, long width);
  Tensor operator()(const Tensor& x) const { return x + up(relu(down(x))); }
};

// One task's own part: adapter, then how the text is read, then a linear classifier.
//   reads [CLS]       y = classifier(dropout(tanh(pooler(adapter(x_cls)))))      -> [B, K], as BertForSequenceClassification
//   own attention     y = classifier(dropout(pool(adapter(x))))                  -> [B, K], nn/attention.h
//   tokens            y = classifier(dropout(adapter(x)))                        -> [N, K], as BertForTokenClassification
struct TaskHead {
  HeadConfig config;
  std::optional<Adapter> adapter;
  std::optional<AttentionPool> pool;
  std::optional<Linear> pooler;
  Dropout dropout;
  Linear classifier;
  TaskHead(Scope at, const Config& c, const HeadConfig& head);
  bool reads_all_tokens() const { return config.own_attention || config.kind == HeadKind::tokens; }
  Tensor operator()(const Encoded& x, Reading* reading = nullptr) const;
};

// x = dropout(word embedding): an encoder without layers, whose tasks each allocate their own attention.   [N] -> [N, C]
struct WordEncoder {
  Embedding word;
  Dropout dropout;
  WordEncoder(Scope at, const Config& c);
  Tensor operator()(const Tokens& tokens) const { return dropout(word(tokens.ids)); }
};

// The encoder that config.model_type names, and one head a task.
struct MultitaskNet {
  std::variant<Bert, WordEncoder> encoder;
  std::vector<TaskHead> heads;
  MultitaskNet(Scope at, const Config& c, const std::vector<HeadConfig>& tasks);
  // Once for all heads that read these texts. Without `all_tokens` only [CLS] goes through BERT's last layer.
  Encoded encode(const Tokens& tokens, bool all_tokens) const;  // [N] -> [N, C], [B, C]
};

// Whether a parameter belongs to one task alone: heads.NAME...., all others are shared.
bool belongs_to_task(const std::string& parameter);

}  // namespace nn
