// The two objectives, part by part of a step, and a teacher beside the first. Read tasks/text/masking.h and
// nn/model/replaced_tokens.h first.
#include "tasks/pretrain/learner.h"

#include <algorithm>

namespace pretrain {

using engine::check;
using engine::real;

spec::TaskSpec task_of(Objective objective) {
  spec::TaskSpec task;
  task.head = objective == Objective::mlm ? nn::Predicts::pieces : nn::Predicts::vector;
  task.reads = nn::Reads::first;
  return task;
}

void Sums::add(const Sums& other) {
  masked += other.masked, loss += other.loss, right += other.right;
  tokens += other.tokens, detection += other.detection, replaced += other.replaced, found += other.found;
  false_alarms += other.false_alarms;
}

double Sums::value(const LearnerOptions& o) const {
  const double mlm = loss / masked;
  return o.objective == Objective::mlm ? mlm : mlm + o.rtd_weight * detection / tokens;
}

Learner::Electra::Electra(const nn::Model& encoder, const LearnerOptions& o)
    : params(o.seed),
      generator(params.root() / "generator", encoder.encoder.bert()->embeddings, encoder.config, o.generator_size),
      detector(params.root() / "discriminator_predictions", encoder.config) {
  params.initialise();
}

Learner::Learner(std::unique_ptr<model::TextModel> model, const LearnerOptions& options)
    : options_(options), model_(std::move(model)) {
  check(model_->net.encoder.bert(), "pre-training is for a BERT; this is a model of type '{}'",
        model_->config().model_type);
  check(model_->tokenizer.mask_id() >= 0, "the vocabulary has no [MASK]");
  check(model_->config().token_retention.empty() && !model_->config().retention_bins,
        "pre-training reads every token; this model has token_retention, which leaves some behind");
  if (options.objective == Objective::rtd) electra_ = std::make_unique<Electra>(model_->net, options);
}

void Learner::learn_from(std::unique_ptr<model::TextModel> teacher, const objective::TransferOptions& options) {
  check(!electra_, "a teacher reads what the student reads; the detector of rtd reads what its own generator made");
  teacher->net.params.eval();
  taught_ = std::make_unique<Taught>(std::move(teacher), options, *model_, options_.seed);
}

std::vector<Tensor> Learner::beside_the_model() const {
  if (taught_) return taught_->transfer.projections();
  return electra_ ? electra_->params.tensors() : std::vector<Tensor>();
}

void Learner::train(long step) {
  if (electra_) electra_->params.train(step);
}

std::vector<Part> Learner::parts(const text::Corpus& corpus, const std::vector<long>& sequences, uint64_t first_draw,
                                 long tokens_a_part) const {
  std::vector<Part> parts;
  for (size_t i = 0; i < sequences.size();) {
    std::vector<long> some;
    std::vector<uint64_t> draws;
    for (long filled = 0; i < sequences.size(); ++i) {
      const long length = corpus.begin[sequences[i] + 1] - corpus.begin[sequences[i]];
      if (!some.empty() && filled + length > tokens_a_part) break;
      some.push_back(sequences[i]);
      draws.push_back(first_draw + i);
      filled += length;
    }
    parts.push_back({text::mask(lay_out(corpus, some), draws, model_->tokenizer, options_.mask, options_.seed),
                     {options_.seed, engine::Stream::sample, uint32_t(draws[0] >> 32), uint32_t(draws[0])},
                     {some.begin(), some.end()}});
  }
  return parts;
}

Sums Learner::counts(const std::vector<Part>& parts) {
  Sums sums;
  for (const Part& part : parts) {
    sums.masked += double(part.masked.rows.size());
    sums.tokens += double(part.masked.tokens.count());
  }
  return sums;
}

Tensor Learner::told(const text::Masked& m, nn::Trace* trace) const {
  if (electra_) return electra_->generator(m.tokens, m.rows);                               // [N] -> [M, V]
  return model_->net.head()(model_->net.encoder(m.tokens, nn::Rows::only(m.rows), trace));  // [N] -> [M, C] -> [M, V]
}

// No gradient goes through the samples. The detection reads every token.
Learner::Detected Learner::detect(const Part& part, const Tensor& logits, nn::Trace* trace) const {
  const text::Masked& m = part.masked;
  nn::Replaced replaced = nn::replace_tokens(m.tokens, m.rows, m.targets, nn::sample_rows(logits, part.random));
  const nn::Encoded x = model_->net.encoder(replaced.tokens, {nn::Rows::all}, trace);  // [N] -> [N, C]
  const Tensor told = electra_->detector(x.tokens);                                    // [N]
  return {std::move(replaced), told};
}

objective::Transfer::Said Learner::teacher_says(const text::Masked& m) const {
  const engine::NoGrad no_grad;
  objective::Transfer::Said said;
  nn::Trace* trace = taught_->options.looks_inside() ? &said.trace : nullptr;
  const nn::Model& net = taught_->teacher->net;
  const nn::Encoded x = net.encoder(m.tokens, nn::Rows::only(m.rows), trace);  // [N] -> [M, C]
  if (taught_->options.reads_logits()) said.logits = net.head()(x);            // -> [M, V]
  return said;
}

run::Terms Learner::loss(const Part& part, const Sums& step, nn::Trace* trace) const {
  run::Terms terms;
  nn::Trace own;
  if (!trace && taught_ && taught_->options.looks_inside()) trace = &own;
  const Tensor logits = told(part.masked, trace);
  const double share = double(part.masked.rows.size()) / step.masked;
  terms.add(electra_ ? "generator" : "masked", taught_ ? taught_->options.hard : 1,
            cross_entropy(logits, part.masked.targets) * real(share));
  if (taught_ && taught_->options.compares())
    taught_->transfer.add_to(terms, {logits, trace ? *trace : own}, teacher_says(part.masked),
                             part.masked.tokens.offsets, {share, part.share_of(step)});
  if (!electra_) return terms;
  const Detected d = detect(part, logits, trace);
  const Tensor mean = binary_cross_entropy_with_logits(d.told, d.replaced.labels);  // []
  terms.add("detection", options_.rtd_weight, mean * real(double(d.told.numel()) / step.tokens));
  return terms;
}

Sums Learner::measure(const Part& part) const {
  const engine::NoGrad no_grad;
  if (electra_) electra_->params.eval();                           // the model's own are so since the step
  const Tensor logits = told(part.masked), best = argmax(logits);  // [M, V], [M]
  const engine::Indices& targets = part.masked.targets;
  Sums sums;
  sums.masked = double(targets.size());
  sums.loss = sums.masked * double(cross_entropy(logits, targets).item());
  for (size_t i = 0; i < targets.size(); ++i) sums.right += best.data()[i] == real(targets[i]);
  if (!electra_) return sums;
  const Detected d = detect(part, logits);
  sums.tokens = double(d.told.numel());
  sums.detection = sums.tokens * double(binary_cross_entropy_with_logits(d.told, d.replaced.labels).item());
  sums.replaced = double(d.replaced.count);
  for (long t = 0; t < d.told.numel(); ++t)
    if (d.told.data()[t] > 0) (d.replaced.labels.data()[t] > 0 ? sums.found : sums.false_alarms) += 1;
  return sums;
}

}  // namespace pretrain
