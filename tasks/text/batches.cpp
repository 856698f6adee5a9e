// From sentences to packed batches. Read nn/tokens.h first: what Tokens are, and why there is no padding.
#include "tasks/text/batches.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "engine/parallel.h"
#include "engine/profile.h"
#include "engine/strings.h"

namespace text {

using engine::check;

namespace {

constexpr int kUncutLength = 1 << 30;  // tokens

// [CLS] ... [SEP] cut into windows of max_length, each with its own [CLS] and [SEP]. The first begins at the beginning,
// the last ends at the end, the others lie evenly between.
std::vector<Encoding> windows_of(const Encoding& whole, int max_length) {
  const long inner = long(whole.ids.size()) - 2, room = max_length - 2;
  const long count = (inner + room - 1) / room;
  std::vector<Encoding> windows(count);
  for (long w = 0; w < count; ++w) {
    const auto first = whole.ids.begin() + 1 + w * (inner - room) / (count - 1);
    Encoding& window = windows[w];
    window.begin = int(first - whole.ids.begin()) - 1;
    window.ids.push_back(whole.ids.front());
    window.ids.insert(window.ids.end(), first, first + room);
    window.ids.push_back(whole.ids.back());
    window.types.assign(window.ids.size(), 0);
  }
  return windows;
}

Encoding encode(const Example& example, const WordPiece& tokenizer, int max_length) {
  return example.pair.empty() ? tokenizer.encode(example.text, max_length)
                              : tokenizer.encode_pair(example.text, example.pair, max_length);
}

}  // namespace

TooLong too_long(const std::string& name) {
  if (name == "cut") return TooLong::cut;
  if (name == "error") return TooLong::error;
  check(name == "window", "long texts: '{}' is not one of cut, error, window{}", name,
        did_you_mean(name, {"cut", "error", "window"}));
  return TooLong::window;
}

long EncodedSet::tokens(long text) const {
  long tokens = 0;
  for (int w = begin[text]; w < begin[text + 1]; ++w) tokens += long(windows[w].ids.size());
  return tokens;
}

void add(EncodedSet& set, Encoding text, const Example& of, int max_length, TooLong how) {
  const bool longer = text.truncated || long(text.ids.size()) > max_length;
  check(!longer || how != TooLong::error, "{}: a text of {} tokens, more than the {} that are allowed", of.where,
        text.ids.size(), max_length);
  check(!longer || how != TooLong::window || of.pair.empty(),
        "{}: a pair of texts of {} tokens, more than {}; windows are for single texts", of.where, text.ids.size(),
        max_length);
  set.too_long += longer;
  if (longer && how == TooLong::window) {
    for (Encoding& window : windows_of(text, max_length)) set.windows.push_back(std::move(window));
  } else {
    if (long(text.ids.size()) > max_length) {
      text.ids.erase(text.ids.begin() + max_length - 1, text.ids.end() - 1);
      text.types.resize(text.ids.size());
      text.truncated = true;
    }
    set.windows.push_back(std::move(text));
  }
  set.begin.push_back(int(set.windows.size()));
  set.labels.push_back(of.label);
}

EncodedSet encode(const std::vector<Example>& examples, const WordPiece& tokenizer, int max_length, TooLong how) {
  check(max_length >= 2, "encode: a text needs room for [CLS] and [SEP], 2 tokens; got a maximal length of {}",
        max_length);
  check(how != TooLong::window || max_length >= 3,
        "encode: a window needs room for a token besides [CLS] and [SEP]; got {}", max_length);
  std::vector<Encoding> texts(examples.size());
  engine::parallel_tasks(long(examples.size()), [&](long i) {
    texts[i] = encode(examples[i], tokenizer, how == TooLong::cut ? max_length : kUncutLength);
  });
  EncodedSet set;
  for (size_t i = 0; i < examples.size(); ++i) add(set, std::move(texts[i]), examples[i], max_length, how);
  return set;
}

Batch unlabelled(nn::Tokens tokens) {
  Batch batch;
  batch.tokens = std::move(tokens);
  for (int b = 0; b + 1 < int(batch.tokens.offsets.size()); ++b) {
    batch.rows.push_back(b);
    batch.windows.push_back(b + 1);
  }
  return batch;
}

Batch pack(const EncodedSet& set, const Indices& rows) {
  Batch batch;
  batch.rows = rows;
  batch.tokens.offsets = {0};
  for (int row : rows) {
    for (int w = set.begin[row]; w < set.begin[row + 1]; ++w) {
      const Encoding& text = set.windows[w];
      batch.tokens.ids.insert(batch.tokens.ids.end(), text.ids.begin(), text.ids.end());
      batch.tokens.types.insert(batch.tokens.types.end(), text.types.begin(), text.types.end());
      for (size_t t = 0; t < text.ids.size(); ++t) batch.tokens.positions.push_back(int(t));
      batch.tokens.offsets.push_back(int(batch.tokens.ids.size()));
    }
    batch.windows.push_back(int(batch.tokens.sequences()));
    batch.labels.push_back(set.labels[row]);
  }
  return batch;
}

// y_b = 1/W_b sum_w x_w
engine::Tensor mean_over_windows(const engine::Tensor& logits, const Batch& batch) {
  if (batch.tokens.sequences() == long(batch.labels.size())) return logits;
  engine::Tensor weights(engine::Shape{logits.dim(0), 1});
  for (size_t b = 0; b < batch.labels.size(); ++b)
    for (int w = batch.windows[b]; w < batch.windows[b + 1]; ++w)
      weights.data()[w] = 1 / engine::real(batch.windows[b + 1] - batch.windows[b]);
  return segment_attend(weights, logits, batch.windows);
}

engine::Tensor logits_of(const engine::Tensor& logits, const Batch& batch, const Indices& which) {
  bool all = which.size() == batch.labels.size();
  for (size_t i = 0; i < which.size(); ++i) all = all && which[i] == int(i);
  const engine::Tensor y = mean_over_windows(logits, batch);  // [B, K]
  return all ? y : engine::gather_rows(y, which);
}

std::vector<engine::real> balanced_weights(const Indices& labels, int classes) {
  std::vector<long> count(classes);
  for (int label : labels) ++count[label];
  std::vector<engine::real> weights;
  for (long n : count) weights.push_back(n ? engine::real(double(labels.size()) / (double(classes) * double(n))) : 0);
  return weights;
}

Batches::Batches(const EncodedSet& set, int batch_size, bool shuffle, uint64_t seed)
    : set_(set), batch_size_(batch_size), shuffle_(shuffle), seed_(seed), order_(set.size()) {
  check(batch_size > 0, "batches: the size must be positive; got {}", batch_size);
  check(set.size() > 0, "batches: there is nothing to train on");
  std::iota(order_.begin(), order_.end(), 0);
}

Indices Batches::rows_at(long step) {
  const long epoch = step / per_epoch(), begin = step % per_epoch() * batch_size_;
  if (shuffle_ && epoch != epoch_)
    order_ = engine::permutation(int(set_.size()), {seed_, engine::Stream::shuffle, uint32_t(epoch)});
  epoch_ = epoch;
  return {order_.begin() + begin, order_.begin() + std::min(begin + batch_size_, set_.size())};
}

Batch Batches::at(long step) { return pack(set_, rows_at(step)); }

std::vector<Batch> Batches::parts_at(long step, int size, const std::vector<engine::real>& class_weights) {
  const Indices rows = rows_at(step);
  std::vector<Batch> parts;
  double total = 0;
  for (size_t first = 0; first < rows.size(); first += size) {
    parts.push_back(pack(set_, Indices(rows.begin() + first, rows.begin() + std::min(first + size, rows.size()))));
    parts.back().share = 0;
    for (int label : parts.back().labels) parts.back().share += class_weights.empty() ? 1 : class_weights[label];
    total += parts.back().share;
    if (parts.back().share == 0) parts.pop_back();  // labels that do not count at all
  }
  for (Batch& part : parts) part.share = parts.size() == 1 ? 1 : part.share / total;
  engine::profile_end("batch", engine::Pass::other);
  return parts;
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

Shares Shares::parse(const std::string& spec) {
  std::vector<double> parts;
  for (const std::string& part : engine::split(spec, '/'))
    parts.push_back(engine::parse_number<double>(part).value_or(-1));
  const auto is_share = [](double part) { return std::isfinite(part) && part >= 0; };
  check(parts.size() == 3 && std::all_of(parts.begin(), parts.end(), is_share) && parts[0] > 0,
        "a split is TRAIN/DEV/TEST, as 80/10/10, with train above 0; got '{}'", shown(spec));
  return {parts[0], parts[1], parts[2]};
}

void split_stratified(std::vector<Example>& examples, uint64_t seed, const Shares& shares) {
  const double all = shares.train + shares.dev + shares.test;
  std::map<int, Indices> rows_of;
  const Indices order = engine::permutation(int(examples.size()), {seed, engine::Stream::shuffle, ~0u});
  for (int row : order) rows_of[examples[row].label].push_back(row);
  for (const auto& [label, rows] : rows_of) {
    const double n = double(rows.size());
    const long dev = std::lround(n * shares.dev / all), test = dev + std::lround(n * shares.test / all);
    for (long i = 0; i < long(rows.size()); ++i)
      examples[rows[i]].split = i < dev ? "dev" : i < test ? "test" : "train";
  }
}

}  // namespace text
