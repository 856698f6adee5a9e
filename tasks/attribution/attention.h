// Attention in sight: what every head of a model looks at, for a text and on the average of many.
#pragma once

#include <string>
#include <vector>

#include "nn/format/json_value.h"
#include "tasks/model/predict.h"

namespace attribution {

// A layer's attention to one text as matrices over all of its tokens: what token pruning has left behind attends to
// nothing, and nothing to it.
struct AttentionMap {
  long heads = 0, queries = 0, keys = 0;  // queries: the tokens, or 1, a head's own query
  std::vector<engine::real> p;            // [heads, queries, keys]
};
// Of every layer, then of the heads that have queries of their own.
std::vector<AttentionMap> attention_maps(const model::TextModel& model, const text::Encoding& text);
// The same over words, words[t] that of token t: what goes to the tokens of a word is added up, what comes from them
// averaged (Clark, Khandelwal, Levy, Manning 2019). Rows still add up to 1.
AttentionMap over_words(const AttentionMap& map, const std::vector<int>& words);

// What a head does, as means over queries and then over texts.
struct HeadFigures {
  double entropy = 0;    // -sum_k p log p, in nats: 0 is one token, log T all alike
  double distance = 0;   // sum_k p |position of q - position of k|, in tokens; a pooling layer's query stands at 0
  double special = 0;    // the share of [CLS] and [SEP]
  double agreement = 0;  // with each other head of its layer, sum_k min(p, p'): 1 is the same, 0 nothing in common
};

class Analysis {
 public:
  // Runs the model over the set, dropout off, and adds up; `progress`, if given, hears how many texts are done.
  Analysis(const model::TextModel& model, const text::EncodedSet& set,
           const std::function<void(long)>& progress = nullptr);

  const std::vector<std::vector<HeadFigures>>& heads() const { return heads_; }  // [L][H]
  HeadFigures mean() const;                                                      // over layers and heads
  std::string table() const;

  // The attention of one text: its tokens, and of every layer and head the figures and the matrices, rows are queries.
  static nn::ordered_json of_text(const model::TextModel& model, const text::Encoding& text);

 private:
  std::vector<std::vector<HeadFigures>> heads_;
};

}  // namespace attribution
