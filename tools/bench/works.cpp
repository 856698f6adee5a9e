// The batches that are timed, the same in every run and for every side. Read tools/bench/works.h first.
#include "tools/bench/works.h"

#include <algorithm>
#include <numeric>

#include "engine/base.h"
#include "engine/random.h"
#include "nn/format/json_value.h"

namespace bench {

using namespace engine;
using nn::ordered_json;

namespace {

// Lengths of SST-2's training sentences in pieces of bert-base-uncased, [CLS] and [SEP] included: 64 quantiles.
constexpr int kLengths[64] = {4,  6,  7,  8,  9,  9,  10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15, 16, 16, 17, 17, 18,
                              18, 18, 19, 19, 20, 20, 21, 21, 22, 22, 23, 23, 23, 24, 24, 25, 25, 26, 26, 27, 27, 28,
                              28, 29, 30, 30, 31, 31, 32, 33, 33, 34, 35, 36, 37, 38, 39, 41, 42, 44, 47, 52};

Batch batch_of(const std::vector<int>& lengths, const Random& random) {
  Batch batch;
  batch.tokens.offsets = {0};
  std::vector<uint32_t> word(std::accumulate(lengths.begin(), lengths.end(), 0));
  random.words(0, long(word.size()), word.data());
  for (int length : lengths) {
    for (int t = 0; t < length; ++t) {
      const int inner = 1000 + int(word[batch.tokens.ids.size()] % 28000);
      batch.tokens.ids.push_back(t == 0 ? 101 : t + 1 == length ? 102 : inner);  // [CLS] ... [SEP]
      batch.tokens.positions.push_back(t);
      batch.tokens.types.push_back(0);
    }
    batch.tokens.offsets.push_back(int(batch.tokens.ids.size()));
    batch.labels.push_back(int(batch.labels.size() % 3));
  }
  return batch;
}

std::vector<int> real_lengths(int copies, bool sorted) {
  std::vector<int> lengths;
  for (int i = 0; i < copies; ++i) lengths.insert(lengths.end(), kLengths, kLengths + 64);
  if (sorted) {
    std::sort(lengths.begin(), lengths.end());
    return lengths;
  }
  std::vector<int> shuffled;
  for (int i : permutation(int(lengths.size()), {7, Stream::shuffle, 0, 0})) shuffled.push_back(lengths[i]);
  return shuffled;
}

}  // namespace

Work work_of(const std::vector<int>& lengths, size_t size) {
  Work work;
  for (size_t i = 0; i < lengths.size(); i += size)
    work.push_back(batch_of({lengths.begin() + i, lengths.begin() + i + size},
                            {42, Stream::shuffle, uint32_t(work.size()), uint32_t(size)}));
  return work;
}

const std::map<std::string, std::function<Work()>>& works() {
  static const std::map<std::string, std::function<Work()>> all{
      {"full", [] { return work_of(std::vector<int>(16, 128), 16); }},
      {"real", [] { return work_of(real_lengths(1, false), 16); }},
      {"sorted", [] { return work_of(real_lengths(1, true), 16); }},
      {"dev", [] { return work_of(real_lengths(4, false), 32); }},
      {"1x32", [] { return work_of({32}, 1); }},
      {"1x128", [] { return work_of({128}, 1); }},
      {"32x128", [] { return work_of(std::vector<int>(32, 128), 32); }},
  };
  return all;
}

Work work_named(const std::string& name) {
  check(works().contains(name), "--work '{}' is not one of full, real, sorted, dev, 1x32, 1x128, 32x128", name);
  return works().at(name)();
}

std::string json_of(const Work& work) {
  ordered_json batches = ordered_json::array();
  for (const Batch& batch : work) {
    ordered_json ids = ordered_json::array();
    for (long b = 0; b < batch.tokens.sequences(); ++b)
      ids.push_back(Indices(batch.tokens.ids.begin() + batch.tokens.offsets[b],
                            batch.tokens.ids.begin() + batch.tokens.offsets[b + 1]));
    batches.push_back({{"ids", ids}, {"labels", batch.labels}});
  }
  return ordered_json{{"batches", batches}}.dump() + "\n";
}

}  // namespace bench
