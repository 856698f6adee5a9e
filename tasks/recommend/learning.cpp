// Windows of histories and the losses of the next item. Read tasks/recommend/sequence.h first.
#include "tasks/recommend/learning.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "nn/loss/attention_transfer.h"

namespace recommend {

using engine::check;
using engine::Random;
using engine::Stream;
using engine::Transpose;

Windows::Windows(const std::vector<History>& histories, long places, long batch, int accumulate, uint64_t seed,
                 bool shuffled, bool weighted)
    : accumulate_(accumulate), seed_(seed), shuffled_(shuffled), weighted_(weighted) {
  long longest = 1;
  for (size_t u = 0; u < histories.size(); ++u) {
    const History& history = histories[u];
    for (long end = long(history.size()); end > 1; end -= places) {
      const long begin = std::max(0L, end - places - 1);
      windows_.emplace_back(history.begin() + begin, history.begin() + end);
      user_.push_back(int(u));
      places_ += end - begin - 1;
      longest = std::max(longest, end - begin - 1);
    }
  }
  check(!windows_.empty(),
        "recommend: no user has two interactions left to learn an order from, beside what is held out");
  steps_ = std::max(1L, places_ / (std::max(batch, longest) * accumulate));
}

namespace {

// What the batch's loss is divided by.
double weight_of(const Batch& batch) {
  return batch.weights.empty() ? double(batch.next.size())
                               : std::accumulate(batch.weights.begin(), batch.weights.end(), 0.);
}

}  // namespace

// Part k of an epoch has the windows whose first place is among places [k P / n, (k + 1) P / n) of all P, of n parts.
std::vector<Batch> Windows::parts_at(long step) const {
  const long parts = steps_ * accumulate_, first = step % steps_ * accumulate_;
  std::vector<int> order(windows_.size());
  std::iota(order.begin(), order.end(), 0);
  if (shuffled_) order = engine::permutation(int(order.size()), {seed_, Stream::shuffle, uint32_t(step / steps_)});
  std::vector<Indices> chosen(static_cast<size_t>(accumulate_));  // windows
  long before = 0;
  for (const int w : order) {
    const long part = before * parts / places_;
    const History& window = windows_[size_t(w)];
    if (part >= first && part < first + accumulate_) chosen[size_t(part - first)].push_back(w);
    before += long(window.size()) - 1;
  }
  std::vector<Batch> batches;
  double all = 0;
  for (const Indices& windows : chosen) {
    if (windows.empty()) continue;
    Batch batch;
    std::vector<std::vector<int>> items;
    for (const int w : windows) {
      const History& window = windows_[size_t(w)];
      batch.users.push_back(user_[size_t(w)]);
      items.push_back(items_of(window));
      batch.next.insert(batch.next.end(), items.back().begin() + 1, items.back().end());
      for (size_t i = 0; i + 1 < window.size(); ++i) batch.kinds.push_back(window[i].kind);
      for (size_t i = 1; weighted_ && i < window.size(); ++i) batch.weights.push_back(real(window[i].weight));
      items.back().pop_back();
    }
    batch.tokens = packed({items.begin(), items.end()}, places_);
    all += weight_of(batch);
    batches.push_back(std::move(batch));
  }
  for (Batch& batch : batches) batch.share = all > 0 ? weight_of(batch) / all : 0;
  return batches;
}

NextItem::NextItem(const std::vector<double>& counts, const LossOptions& options, const Teacher* teacher)
    : options_(options), teacher_(teacher) {
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

namespace {

// sum_n w_n loss_n / sum w, without weights the mean; loss_n = -log softmax(scores_n)_target.    [N, K], [N] -> []
Tensor of_places(const Tensor& scores, const Indices& targets, const std::vector<real>& weights, double smoothing) {
  if (weights.empty()) return cross_entropy(scores, targets, {.label_smoothing = real(smoothing)});
  const long N = scores.dim(0), K = scores.dim(1);
  Indices rows;
  for (long n = 0; n < N; ++n) rows.push_back(int(n * K) + targets[size_t(n)]);
  const Tensor logs = gather_rows(reshape(log_softmax(scores), {N * K, 1}), rows);  // [N, 1]
  Tensor share({N, 1});
  const double all = std::accumulate(weights.begin(), weights.end(), 0.);
  for (long n = 0; n < N; ++n) share.data()[n] = all > 0 ? real(-double(weights[size_t(n)]) / all) : 0;
  return sum(logs * share);
}

}  // namespace

Tensor NextItem::logits(const SequenceModel& model, const Tensor& v, const Tensor& users) const {
  const bool all = known_.size() == place_.size();
  const Tensor items = all ? v : gather_rows(v, known_);  // [K, C]
  const Tensor bias =
      all ? model.bias : reshape(gather_rows(reshape(model.bias, {v.dim(0), 1}), known_), {long(known_.size())});
  return linear(users, items, bias);
}

Tensor NextItem::over_all(const Tensor& logits, const Batch& batch) const {
  Indices targets;
  for (const int item : batch.next) targets.push_back(place_[size_t(item)]);
  return of_places(logits, targets, batch.weights, options_.label_smoothing);
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
  return of_places(scores, Indices(size_t(N), 0), batch.weights, 0);
}

Tensor NextItem::by_candidate(const SequenceModel& model, const Tensor& v, const Tensor& users, const Tensor& states,
                              const Batch& batch, uint32_t call) const {
  const nn::Mode& mode = model.params.mode();
  const long B = batch.tokens.sequences(), K = options_.negatives ? options_.negatives : 100, n = 1 + K;
  const Indices negatives = draw({mode.seed, Stream::sample, mode.step, 2 * call + 1000001}, K);
  std::vector<uint32_t> words(static_cast<size_t>(B));
  Random{mode.seed, Stream::sample, mode.step, 2 * call + 1000000}.words(0, B, words.data());
  Indices places, before, before_offsets{0}, queries{0}, next, asked;
  std::vector<real> weights;
  for (long b = 0; b < B; ++b) {
    const int first = batch.tokens.offsets[size_t(b)], length = batch.tokens.offsets[size_t(b) + 1] - first;
    const int cut = first + int(words[size_t(b)] % uint32_t(length));
    for (int row = first; row <= cut; ++row) before.push_back(row);
    before_offsets.push_back(int(before.size()));
    places.push_back(cut);
    next.push_back(batch.next[size_t(cut)]);
    if (!batch.weights.empty()) weights.push_back(batch.weights[size_t(cut)]);
    asked.push_back(next.back());
    asked.insert(asked.end(), negatives.begin(), negatives.end());
    queries.push_back(int(asked.size()));
  }
  Indices repeated;  // the user's row for each of its candidates
  for (const int place : places) repeated.insert(repeated.end(), size_t(n), place);
  const Tensor candidates = embedding(v, asked);  // [B n, C]
  const Tensor scores = sum(candidates * gather_rows(users, repeated), 1) + biases_of(model, asked) +
                        model.candidate_scores(candidates, queries, gather_rows(states, before), before_offsets);
  return of_places(reshape(scores, {B, n}) + correction(negatives, next), Indices(size_t(B), 0), weights, 0);
}

namespace {

Tensor distilled(const SequenceModel& model, const Tensor& of_text, const Indices& next) {
  std::vector<char> asked(static_cast<size_t>(model.config.items), 0);
  for (const int item : next) asked[size_t(item)] = model.text.has[size_t(item)];
  Indices items;
  for (size_t i = 0; i < asked.size(); ++i)
    if (asked[i]) items.push_back(int(i));
  if (items.empty()) return {};
  return nn::hidden_cosine(gather_rows(model.identity, items), gather_rows(of_text.detach(), items));
}

}  // namespace

void NextItem::add_losses(run::Terms& terms, const SequenceModel& model, const Batch& batch, uint32_t call,
                          const FreshTexts* fresh) const {
  Tensor of_text;
  const Tensor v = model.item_vectors(fresh, &of_text);  // [I, C]
  Tensor states;
  std::vector<nn::AttentionMaps> maps;
  const Tensor users = model.user_vectors(v, batch.tokens, looks_inside() ? &maps : nullptr, &states);  // [N] -> [N, C]
  const TransferOptions& transfer = options_.transfer;
  const double hard = teacher_ ? transfer.hard : 1;
  const Tensor all = options_.negatives ? Tensor() : logits(model, v, users);  // [N, K]
  terms.add("next", hard, all ? over_all(all, batch) : sampled(model, v, users, batch, call));
  if (model.by_candidate()) terms.add("candidate", hard, by_candidate(model, v, users, states, batch, call));
  if (options_.distil_text > 0 && of_text)
    if (const Tensor loss = distilled(model, of_text, batch.next)) terms.add("distil", options_.distil_text, loss);
  add_form_terms(terms, options_.shaping, maps);
  if (teacher_) teacher_->add_to(terms, all, maps, batch.tokens, known_);
  if (transfer.align_kinds > 0)
    if (const Tensor apart = kinds_apart(model, v, batch.tokens, batch.kinds, maps))
      terms.add("aligned", transfer.align_kinds, apart);
}

}  // namespace recommend
