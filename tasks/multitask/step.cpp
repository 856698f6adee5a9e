// From draws to batches, from logits to losses. Read tasks/multitask/tasks.h and nn/multitask.h first.
#include "tasks/multitask/step.h"

#include <algorithm>
#include <unordered_map>

#include "engine/profile.h"

namespace multitask {

using engine::check;
using engine::real;

std::vector<Part> parts_of(const TaskSet& set, const std::vector<Draw>& draws) {
  std::vector<Part> parts;
  for (int c = 0; c < int(set.corpora.size()); ++c) {
    Part part{c, {}, {}};
    Indices rows;                        // of the corpus, each once
    std::unordered_map<int, int> place;  // of a row in the batch
    for (const Draw& draw : draws) {
      const Task& task = set.tasks[draw.task];
      if (task.corpus != c) continue;
      Part::Reader& reader = part.readers.emplace_back(Part::Reader{draw.task, {}});
      for (int i : draw.places) {
        const int row = task.targets[kTrain].rows[i];
        const auto [at, fresh] = place.try_emplace(row, int(rows.size()));
        if (fresh) rows.push_back(row);
        reader.which.push_back(at->second);
      }
    }
    if (part.readers.empty()) continue;
    part.batch = text::pack(set.corpora[c].texts[kTrain], rows);
    parts.push_back(std::move(part));
  }
  engine::profile_end("batch", engine::Pass::other);
  return parts;
}

namespace {

// The rows of a token head's logits that stand for words, and the classes of those words.
Tensor word_loss(const Task& task, const Targets& targets, const Tensor& logits, const text::Batch& batch,
                 const Indices& which) {
  Indices rows, tags;
  for (int b : which) {
    const int text = batch.rows[b];
    for (size_t w = 0; w < targets.tags[text].size(); ++w) {
      if (targets.places[text][w] < 0) continue;
      rows.push_back(batch.tokens.offsets[b] + targets.places[text][w]);
      tags.push_back(targets.tags[text][w]);
    }
  }
  check(!rows.empty(), "{}: a step without a word that has a tag", task.spec.where);
  return engine::cross_entropy(engine::gather_rows(logits, rows), tags, task.loss_options);
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

}  // namespace

Tensor task_loss(const Task& task, const Targets& targets, const Tensor& logits, const text::Batch& batch,
                 const Indices& which) {
  const TaskSpec& spec = task.spec;
  if (spec.head == nn::HeadKind::tokens) return word_loss(task, targets, logits, batch, which);
  Indices texts;
  bool all = which.size() == batch.labels.size();
  for (size_t i = 0; i < which.size(); ++i) texts.push_back(batch.rows[which[i]]), all = all && which[i] == int(i);
  Tensor y = mean_over_windows(logits, batch);  // [W, K] -> [B, K]
  if (!all) y = engine::gather_rows(y, which);  // [b, K]
  if (spec.loss == "binary_cross_entropy")
    return engine::binary_cross_entropy_with_logits(y, indicators(task, targets, texts));
  if (spec.head == nn::HeadKind::regression) {
    Tensor target(y.shape());  // [b, 1]
    for (size_t i = 0; i < texts.size(); ++i)
      target.data()[i] = real((targets.numbers[texts[i]] - spec.mean) / spec.deviation);
    return engine::mse(y, target);
  }
  Indices classes;
  for (int text : texts) classes.push_back(targets.classes[text]);
  return engine::cross_entropy(y, classes, task.loss_options);
}

std::vector<Tensor> losses_of(const Model& model, const TaskSet& set, const std::vector<Part>& parts) {
  std::vector<Tensor> losses(set.tasks.size());
  for (const Part& part : parts) {
    const bool all_tokens = std::any_of(part.readers.begin(), part.readers.end(), [&](const Part::Reader& r) {
      return model.net.heads[r.task].reads_all_tokens();
    });
    const nn::Encoded x = model.net.encode(part.batch.tokens, all_tokens);  // [N] -> [N, C], [B, C]
    for (const Part::Reader& reader : part.readers) {
      const Task& task = set.tasks[reader.task];
      const Tensor logits = model.net.heads[reader.task](x);  // -> [B, K]
      losses[reader.task] = task_loss(task, task.targets[kTrain], logits, part.batch, reader.which);
    }
  }
  return losses;
}

}  // namespace multitask
