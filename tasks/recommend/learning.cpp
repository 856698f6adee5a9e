// Windows of histories and the losses of the next item. Read tasks/recommend/sequence.h first.
#include "tasks/recommend/learning.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace recommend {

using engine::check;
using engine::Random;
using engine::real;
using engine::Stream;
using engine::Transpose;

Windows::Windows(const std::vector<History>& histories, long places, long batch, int accumulate, uint64_t seed,
                 bool shuffled)
    : accumulate_(accumulate), seed_(seed), shuffled_(shuffled) {
  long longest = 1;
  for (size_t u = 0; u < histories.size(); ++u) {
    const std::vector<int> items = items_of(histories[u]);
    for (long end = long(items.size()); end > 1; end -= places) {
      const long begin = std::max(0L, end - places - 1);
      windows_.emplace_back(items.begin() + begin, items.begin() + end);
      user_.push_back(int(u));
      places_ += end - begin - 1;
      longest = std::max(longest, end - begin - 1);
    }
  }
  check(!windows_.empty(), "recommend: no user has two interactions to learn an order from");
  steps_ = std::max(1L, places_ / (std::max(batch, longest) * accumulate));
}

// Part k of an epoch has the windows whose first place is among places [k P / n, (k + 1) P / n) of all P, of n parts.
std::vector<Batch> Windows::parts_at(long step) const {
  const long parts = steps_ * accumulate_, first = step % steps_ * accumulate_;
  std::vector<int> order(windows_.size());
  std::iota(order.begin(), order.end(), 0);
  if (shuffled_) order = engine::permutation(int(order.size()), {seed_, Stream::shuffle, uint32_t(step / steps_)});
  std::vector<std::vector<Items>> chosen(static_cast<size_t>(accumulate_));
  std::vector<Indices> users(chosen.size());
  long before = 0;
  for (const int w : order) {
    const long part = before * parts / places_;
    const std::vector<int>& window = windows_[size_t(w)];
    if (part >= first && part < first + accumulate_) {
      chosen[size_t(part - first)].emplace_back(window);
      users[size_t(part - first)].push_back(user_[size_t(w)]);
    }
    before += long(window.size()) - 1;
  }
  std::vector<Batch> batches;
  double all = 0;
  for (size_t i = 0; i < chosen.size(); ++i) {
    const std::vector<Items>& windows = chosen[i];
    if (windows.empty()) continue;
    Batch batch;
    batch.users = users[i];
    std::vector<Items> read;
    for (const Items& window : windows) {
      read.push_back(window.first(window.size() - 1));
      batch.next.insert(batch.next.end(), window.begin() + 1, window.end());
    }
    batch.tokens = packed(read, places_);
    all += double(batch.next.size());
    batches.push_back(std::move(batch));
  }
  for (Batch& batch : batches) batch.share = double(batch.next.size()) / all;
  return batches;
}

NextItem::NextItem(const std::vector<double>& counts, const LossOptions& options) : options_(options) {
  const double all = std::accumulate(counts.begin(), counts.end(), 0.);
  up_to_ = {0};
  for (size_t i = 0; i < counts.size(); ++i) {
    share_.push_back(counts[i] / all);
    place_.push_back(counts[i] > 0 ? int(known_.size()) : -1);
    if (counts[i] <= 0) continue;
    known_.push_back(int(i));
    up_to_.push_back(up_to_.back() + counts[i] / all);
  }
}

Indices NextItem::draw(const Random& random, long count) const {
  std::vector<uint32_t> words(static_cast<size_t>(count));
  random.words(0, count, words.data());
  Indices items;
  for (const uint32_t word : words) {
    const double at = double(word) / 4294967296. * up_to_.back();
    const long place = std::upper_bound(up_to_.begin() + 1, up_to_.end(), at) - up_to_.begin() - 1;
    items.push_back(known_[size_t(std::min(place, long(known_.size()) - 1))]);
  }
  return items;
}

// 0 of the next item; -log(K q) of each negative; of a negative that is the next item a number that takes it out of the
// softmax.    -> [N, 1 + K]
Tensor NextItem::correction(const Indices& negatives, const Indices& next) const {
  const long N = long(next.size()), K = long(negatives.size());
  Tensor all = Tensor::zeros({N, 1 + K});
  for (long n = 0; n < N; ++n)
    for (long k = 0; k < K; ++k) {
      const int item = negatives[size_t(k)];
      all.data()[n * (1 + K) + 1 + k] =
          item == next[size_t(n)] ? real(-1e9) : real(-std::log(double(K) * share_[size_t(item)]));
    }
  return all;
}

Tensor NextItem::over_all(const SequenceModel& model, const Tensor& v, const Tensor& users, const Indices& next) const {
  const bool all = known_.size() == place_.size();
  const Tensor items = all ? v : gather_rows(v, known_);  // [K, C]
  const Tensor bias =
      all ? model.bias : reshape(gather_rows(reshape(model.bias, {v.dim(0), 1}), known_), {long(known_.size())});
  Indices targets;
  for (const int item : next) targets.push_back(place_[size_t(item)]);
  return cross_entropy(linear(users, items, bias), targets, {.label_smoothing = real(options_.label_smoothing)});
}

namespace {

Tensor biases_of(const SequenceModel& model, const Indices& items) {  // [n]
  return reshape(gather_rows(reshape(model.bias, {model.config.items, 1}), items), {long(items.size())});
}

}  // namespace

Tensor NextItem::sampled(const SequenceModel& model, const Tensor& v, const Tensor& users, const Batch& batch,
                         uint32_t call) const {
  const nn::Mode& mode = model.params.mode();
  const long N = users.dim(0);
  const Indices negatives = draw({mode.seed, Stream::sample, mode.step, call}, options_.negatives);
  const Tensor own = sum(users * embedding(v, batch.next), 1) + biases_of(model, batch.next);  // [N]
  const Tensor others = linear(users, embedding(v, negatives), biases_of(model, negatives));   // [N, K]
  const Tensor scores =
      engine::concat({reshape(own, {N, 1}), others}, 1) + correction(negatives, batch.next);  // [N, 1 + K]
  return cross_entropy(scores, Indices(size_t(N), 0));
}

Tensor NextItem::by_candidate(const SequenceModel& model, const Tensor& v, const Tensor& users, const Tensor& states,
                              const Batch& batch, uint32_t call) const {
  const nn::Mode& mode = model.params.mode();
  const long B = batch.tokens.sequences(), K = options_.negatives ? options_.negatives : 100, n = 1 + K;
  const Indices negatives = draw({mode.seed, Stream::sample, mode.step, 2 * call + 1000001}, K);
  std::vector<uint32_t> words(static_cast<size_t>(B));
  Random{mode.seed, Stream::sample, mode.step, 2 * call + 1000000}.words(0, B, words.data());
  Indices places, before, before_offsets{0}, queries{0}, next, asked;
  for (long b = 0; b < B; ++b) {
    const int first = batch.tokens.offsets[size_t(b)], length = batch.tokens.offsets[size_t(b) + 1] - first;
    const int cut = first + int(words[size_t(b)] % uint32_t(length));
    for (int row = first; row <= cut; ++row) before.push_back(row);
    before_offsets.push_back(int(before.size()));
    places.push_back(cut);
    next.push_back(batch.next[size_t(cut)]);
    asked.push_back(next.back());
    asked.insert(asked.end(), negatives.begin(), negatives.end());
    queries.push_back(int(asked.size()));
  }
  Indices repeated;  // the user's row for each of its candidates
  for (const int place : places) repeated.insert(repeated.end(), size_t(n), place);
  const Tensor candidates = embedding(v, asked);  // [B n, C]
  const Tensor scores = sum(candidates * gather_rows(users, repeated), 1) + biases_of(model, asked) +
                        model.candidate_scores(candidates, queries, gather_rows(states, before), before_offsets);
  return cross_entropy(reshape(scores, {B, n}) + correction(negatives, next), Indices(size_t(B), 0));
}

void NextItem::add_losses(run::Terms& terms, const SequenceModel& model, const Batch& batch, uint32_t call) const {
  const Tensor v = model.item_vectors();  // [I, C]
  Tensor states;
  const Tensor users = model.user_vectors(v, batch.tokens, nullptr, &states);  // [N] -> [N, C]
  terms.add("next", 1,
            options_.negatives ? sampled(model, v, users, batch, call) : over_all(model, v, users, batch.next));
  if (model.by_candidate()) terms.add("candidate", 1, by_candidate(model, v, users, states, batch, call));
}

}  // namespace recommend
