// Embeddings of pieces, of pairs of pieces and of their n-grams. Read nn/model/words.h first.
#include "nn/model/words.h"

namespace nn {
namespace {

std::optional<Embedding> table(Scope at, long rows, const Config& c) {
  if (rows == 0) return std::nullopt;
  return Embedding(at, rows, c.hidden_size, c.initializer_range);
}

}  // namespace

Words::Words(Scope at, const Config& c, PieceRows subwords)
    : word(at / "word_embeddings", c.vocab_size, c.hidden_size, c.initializer_range),
      bigram(table(at / "bigram_embeddings", c.bigram_buckets, c)),
      subword(table(at / "subword_embeddings", c.subword_buckets, c)),
      subword_rows(std::move(subwords)),
      dropout(at, c.reading_dropout()) {
  check(!subword || subword_rows.pieces() > 0, "subword_buckets {}: the n-grams of the vocabulary are needed, too",
        c.subword_buckets);
}

Tensor Words::operator()(const Tokens& tokens) const {
  const Tensor sum =
      bigram ? embedding_sum({{word.weight, tokens.ids}, {bigram->weight, bigram_rows(tokens, bigram->weight.dim(0))}})
             : word(tokens.ids);
  return dropout(subword ? sum + subword_mean(tokens.ids) : sum);  // [N, C]
}

// y_t = 1 / |G| sum over g in G of s_g, G the n-grams of piece ids[t]
Tensor Words::subword_mean(const Indices& ids) const {
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

}  // namespace nn
