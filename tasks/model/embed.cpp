// From texts to vectors. Read nn/model/model.h and tasks/text/batches.h first.
#include "tasks/model/embed.h"

#include "engine/debug.h"
#include "tasks/model/predict.h"

namespace model {

using engine::check;
using engine::Tensor;

namespace {

bool has_vector_head(const nn::Model& net) {
  return net.heads.size() == 1 && net.heads[0].config.predicts == nn::Predicts::vector;
}

// [N] -> [W, C]
Tensor vectors_of(const nn::Model& net, const nn::Tokens& tokens, nn::Reads reads) {
  if (has_vector_head(net)) return net(tokens);
  const bool first = reads == nn::Reads::first;
  const nn::Encoded x = net.encoder(tokens, {first ? nn::Rows::first : nn::Rows::all});
  return first ? x.first : nn::mean_pool(x.tokens, x.offsets);
}

}  // namespace

long vector_width(const TextModel& model) {
  const bool projects = has_vector_head(model.net) && model.net.heads[0].classifier;
  return projects ? model.net.heads[0].config.outputs : model.config().hidden_size;
}

Tensor embed(const TextModel& model, const text::EncodedSet& set, nn::Reads reads) {
  check(!model.net.params.mode().training, "embed: the model is in the middle of a training step");
  check(reads != nn::Reads::first || model.net.encoder.bert(),
        "embed: word embeddings alone have no [CLS] to read; their mean stands for a text");
  const engine::NoGrad no_grad;
  if (set.size() == 0) return Tensor(engine::Shape{0, vector_width(model)});
  std::vector<Tensor> rows;
  for (const text::Batch& batch : text::in_order(set, kEvaluationBatch))
    rows.push_back(mean_over_windows(vectors_of(model.net, batch.tokens, reads), batch));
  const Tensor all = engine::concat(rows, 0);
  check(engine::all_finite(all.data(), all.numel()), "the model's vectors hold a NaN or infinity");
  return all;
}

}  // namespace model
