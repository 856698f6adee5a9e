// From logits and targets to one number. Read tasks/spec/tasks.h and engine/ops_loss.cpp first.
#include "tasks/spec/loss.h"

#include <numeric>

#include "nn/loss/ordinal.h"

namespace spec {

using engine::check;
using engine::real;

namespace {

// The rows of a tagger's logits that stand for words, and the classes of those words.
Tensor word_loss(const Targets& targets, const Tensor& logits, const text::Batch& batch, const Indices& which,
                 const engine::CrossEntropyOptions& options) {
  Indices rows, tags;
  for (int b : which) {
    const int text = batch.rows[b];
    for (size_t w = 0; w < targets.tags[text].size(); ++w) {
      if (targets.places[text][w] < 0) continue;
      rows.push_back(batch.tokens.offsets[b] + targets.places[text][w]);
      tags.push_back(targets.tags[text][w]);
    }
  }
  if (rows.empty()) return sum(logits) * real(0);  // words without a piece count nothing
  return engine::cross_entropy(engine::gather_rows(logits, rows), tags, options);
}

// 1 where a class holds.    [b, K]
Tensor indicators(const Task& task, const Targets& targets, const Indices& texts) {
  Tensor holds = Tensor::zeros({long(texts.size()), long(task.spec.labels.size())});
  const long K = holds.dim(1);
  for (size_t i = 0; i < texts.size(); ++i)
    for (long k = 0; k < K; ++k) {
      const bool one = targets.sets.empty() ? targets.classes[texts[i]] == k : bool(targets.sets[texts[i]][k]);
      holds.data()[long(i) * K + k] = one;
    }
  return holds;
}

Tensor loss_of(const Task& task, const Targets& targets, const Tensor& logits, const text::Batch& batch,
               const Indices& which, const engine::CrossEntropyOptions& options) {
  const TaskSpec& spec = task.spec;
  if (spec.head == nn::Predicts::tags) return word_loss(targets, logits, batch, which, options);
  Indices texts;
  for (const int place : which) texts.push_back(batch.rows[place]);
  const Tensor y = text::logits_of(logits, batch, which);  // [W, K] -> [b, K]
  if (spec.loss == "binary_cross_entropy")
    return engine::binary_cross_entropy_with_logits(y, indicators(task, targets, texts));
  if (spec.head == nn::Predicts::number) {
    Tensor target(y.shape());  // [b, 1]
    for (size_t i = 0; i < texts.size(); ++i)
      target.data()[i] = real((targets.numbers[texts[i]] - spec.mean) / spec.deviation);
    return engine::mse(y, target);
  }
  check(spec.one_class(), "{}: this head is not trained by labels", spec.where);
  Indices classes;
  for (int text : texts) classes.push_back(targets.classes[text]);
  if (spec.head == nn::Predicts::ordinal) return nn::coral(y, classes);
  return engine::cross_entropy(y, classes, options);
}

Indices all_of(const text::Batch& batch) {
  Indices all(batch.rows.size());
  std::iota(all.begin(), all.end(), 0);
  return all;
}

}  // namespace

Tensor task_loss(const Task& task, const Targets& targets, const Tensor& logits, const text::Batch& batch,
                 const Indices& which) {
  return loss_of(task, targets, logits, batch, which, task.loss_options);
}

Tensor task_loss(const Task& task, const Targets& targets, const Tensor& logits, const text::Batch& batch) {
  return loss_of(task, targets, logits, batch, all_of(batch), task.loss_options);
}

double weight_in_loss(const Task& task, const Targets& targets, int text) {
  const std::vector<real>& weights = task.loss_options.class_weights;
  const auto of_class = [&](int k) { return weights.empty() ? 1 : double(weights[k]); };
  if (task.spec.head == nn::Predicts::label) return of_class(targets.classes[text]);
  if (task.spec.head != nn::Predicts::tags) return 1;
  double sum = 0;
  for (size_t w = 0; w < targets.tags[text].size(); ++w)
    if (targets.places[text][w] >= 0) sum += of_class(targets.tags[text][w]);
  return sum;
}

Tensor plain_loss(const Task& task, const Targets& targets, const Tensor& logits, const text::Batch& batch) {
  return loss_of(task, targets, logits, batch, all_of(batch), {});
}

}  // namespace spec
