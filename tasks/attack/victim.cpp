// From a query to what a model reads. Read tasks/attack/victim.h first.
#include "tasks/attack/victim.h"

#include "tasks/model/predict.h"

namespace attack {
namespace {

// By the ids: a tokenizer takes "[UNK]" in a text for three words.
void hide(const Query& query, text::Encoding& window, const std::vector<text::Span>& pieces, int unknown) {
  for (size_t t = 1; t + 1 < window.ids.size(); ++t) {
    const text::Span& piece = pieces.at(size_t(window.begin) + t - 1);
    if (piece.begin < query.end && piece.end > query.begin) window.ids[t] = unknown;
  }
}

}  // namespace

text::EncodedSet encoded(const std::vector<Query>& queries, const text::WordPiece& tokenizer,
                         const model::Reading& reading) {
  std::vector<text::Example> texts;
  for (const Query& query : queries) texts.push_back({.text = query.text});
  text::EncodedSet set = text::encode(texts, tokenizer, reading.max_length, reading.how());
  for (size_t i = 0; i < queries.size(); ++i) {
    if (queries[i].end == 0) continue;
    const std::vector<text::Span> pieces = tokenizer.spans(queries[i].text);
    for (int w = set.begin[i]; w < set.begin[i + 1]; ++w)
      hide(queries[i], set.windows[size_t(w)], pieces, tokenizer.unk_id());
  }
  return set;
}

Victim asking(const model::TextModel& model, const model::Reading& reading) {
  return [&model, &reading](const std::vector<Query>& queries) {
    return model::predict(model, encoded(queries, model.tokenizer, reading))[0].scores;
  };
}

}  // namespace attack
