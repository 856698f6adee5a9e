// From texts to logits and probabilities. Read nn/model/model.h and tasks/text/batches.h first.
#include "tasks/model/predict.h"

#include <algorithm>
#include <numeric>

#include "engine/debug.h"
#include "engine/profile.h"
#include "nn/loss/ordinal.h"

namespace model {

using engine::check;
using engine::real;

namespace {

int best_of(const real* row, long K) { return int(std::max_element(row, row + K) - row); }

void append_tags(const Tensor& logits, const text::Batch& batch, Outputs& to) {
  const long K = logits.dim(1);
  for (long b = 0; b < batch.tokens.sequences(); ++b) {
    Indices& tags = to.tags.emplace_back();
    for (int t = batch.tokens.offsets[b]; t < batch.tokens.offsets[b + 1] && batch.tokens.types[t] == 0; ++t)
      tags.push_back(best_of(logits.data() + t * K, K));
  }
}

void append(const spec::TaskSpec& task, double temperature, const Tensor& logits, const text::Batch& batch,
            Outputs& to) {
  check(engine::all_finite(logits.data(), logits.numel()), "{}the model's logits hold a NaN or infinity",
        task.name.empty() ? "" : "task '" + task.name + "': ");
  if (task.head == nn::Predicts::tags) return append_tags(logits, batch, to);
  Tensor y = mean_over_windows(logits, batch);  // [B, K]
  if (task.head == nn::Predicts::ordinal) {
    for (const int rank : nn::ranks_of(y)) to.ranks.push_back(rank);
    y = nn::class_shares(y);  // [B, K - 1] -> [B, K]
  } else if (calibrates(task))
    y = calibrated(y, temperature);
  else if (task.head != nn::Predicts::number)
    y = engine::sigmoid(y);
  const long K = y.dim(1);
  for (long b = 0; b < y.dim(0); ++b) {
    std::vector<double>& row = to.scores.emplace_back(y.data() + b * K, y.data() + (b + 1) * K);
    if (task.head == nn::Predicts::number) row[0] = row[0] * task.deviation + task.mean;
  }
}

}  // namespace

std::vector<int> Outputs::best() const {
  std::vector<int> best;
  for (size_t i = 0; i < scores.size(); ++i) best.push_back(best_of(i));
  return best;
}

int Outputs::best_of(size_t i) const {
  return ranks.empty() ? int(std::max_element(scores[i].begin(), scores[i].end()) - scores[i].begin()) : ranks[i];
}

std::vector<Outputs> predict(const TextModel& model, const text::EncodedSet& set, const std::vector<size_t>& which,
                             const OnLogits& on_logits, const std::function<void(long)>& progress) {
  check(!model.net.params.mode().training, "predict: the model is in the middle of a training step");
  engine::profile_end("set-up", engine::Pass::other);
  const engine::NoGrad no_grad;
  std::vector<size_t> heads = which;
  if (heads.empty()) {
    heads.resize(model.tasks.size());
    std::iota(heads.begin(), heads.end(), size_t{0});
  }
  const nn::Rows rows = model.net.rows_of(heads);
  std::vector<Outputs> outputs(heads.size());
  long done = 0;
  for (const text::Batch& batch : text::in_order(set, kEvaluationBatch)) {
    const nn::Encoded x = model.net.encoder(batch.tokens, rows);
    for (size_t i = 0; i < heads.size(); ++i) {
      const Tensor logits = model.net.heads[heads[i]](x);
      const std::optional<Calibration>& known = model.calibrations[heads[i]];
      append(model.tasks[heads[i]], known ? known->temperature : 1, logits, batch, outputs[i]);
      if (on_logits) on_logits(heads[i], logits, batch);
    }
    done += long(batch.rows.size());
    if (progress) progress(done);
  }
  return outputs;
}

std::vector<std::string> tags_of_words(const spec::TaskSpec& task, const Indices& tags, const Indices& places) {
  const int outside = std::max(0, task.labels.find("O"));
  std::vector<std::string> words;
  for (int place : places) words.push_back(task.labels.name(place < 0 ? outside : tags[place]));
  return words;
}

}  // namespace model
