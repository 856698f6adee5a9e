// From sentences to packed batches. Read nn/bert.h first: what Tokens are, and why there is no padding.
#include "tasks/text/batches.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "engine/profile.h"

namespace text {

using engine::check;

EncodedSet encode(const std::vector<Example>& examples, const WordPiece& tokenizer, int max_length) {
  check(max_length >= 2, "a text needs room for [CLS] and [SEP], 2 tokens; got a maximal length of {}", max_length);
  EncodedSet set;
  set.texts.resize(examples.size());
#pragma omp parallel for schedule(dynamic, 64)
  for (size_t i = 0; i < examples.size(); ++i) set.texts[i] = tokenizer.encode(examples[i].text, max_length);
  for (size_t i = 0; i < examples.size(); ++i) {
    set.labels.push_back(examples[i].label);
    set.truncated += set.texts[i].truncated;
  }
  return set;
}

Batch pack(const EncodedSet& set, const Indices& rows) {
  Batch batch;
  batch.rows = rows;
  batch.tokens.offsets = {0};
  for (int row : rows) {
    const Encoding& text = set.texts[row];
    batch.tokens.ids.insert(batch.tokens.ids.end(), text.ids.begin(), text.ids.end());
    batch.tokens.types.insert(batch.tokens.types.end(), text.types.begin(), text.types.end());
    for (size_t t = 0; t < text.ids.size(); ++t) batch.tokens.positions.push_back(int(t));
    batch.tokens.offsets.push_back(int(batch.tokens.ids.size()));
    batch.labels.push_back(set.labels[row]);
  }
  return batch;
}

Batches::Batches(const EncodedSet& set, int batch_size, bool shuffle, uint64_t seed)
    : set_(set), batch_size_(batch_size), shuffle_(shuffle), seed_(seed), order_(set.size()) {
  check(batch_size > 0, "batches: the size must be positive; got {}", batch_size);
  check(set.size() > 0, "batches: there is nothing to train on");
  std::iota(order_.begin(), order_.end(), 0);
}

Batch Batches::at(long step) {
  const long epoch = step / per_epoch(), begin = step % per_epoch() * batch_size_;
  if (shuffle_ && epoch != epoch_)
    order_ = engine::permutation(int(set_.size()), {seed_, engine::Stream::shuffle, uint32_t(epoch)});
  epoch_ = epoch;
  Batch batch = pack(set_, Indices(order_.begin() + begin, order_.begin() + std::min(begin + batch_size_, set_.size())));
  engine::profile_end("batch", engine::Pass::other);
  return batch;
}

std::vector<Batch> in_order(const EncodedSet& set, int batch_size) {
  std::vector<Batch> batches;
  for (long begin = 0; begin < set.size(); begin += batch_size) {
    Indices rows(std::min<long>(batch_size, set.size() - begin));
    std::iota(rows.begin(), rows.end(), int(begin));
    batches.push_back(pack(set, rows));
  }
  return batches;
}

void split_stratified(std::vector<Example>& examples, uint64_t seed) {
  std::map<int, Indices> rows_of;
  const Indices order = engine::permutation(int(examples.size()), {seed, engine::Stream::shuffle, ~0u});
  for (int row : order) rows_of[examples[row].label].push_back(row);
  for (const auto& [label, rows] : rows_of)
    for (size_t i = 0; i < rows.size(); ++i)
      examples[rows[i]].split = i % 10 == 8 ? "dev" : i % 10 == 9 ? "test" : "train";
}

}  // namespace text
