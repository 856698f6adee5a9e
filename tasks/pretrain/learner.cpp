// The two objectives, part by part of a step. Read tasks/text/masking.h and nn/replaced_tokens.h first.
#include "tasks/pretrain/learner.h"

#include <algorithm>

#include "tasks/text/tokenizer_files.h"

namespace pretrain {

using engine::check;
using engine::Indices;
using engine::real;

void Sums::add(const Sums& other) {
  masked += other.masked, loss += other.loss, right += other.right;
  tokens += other.tokens, detection += other.detection, replaced += other.replaced, found += other.found;
  false_alarms += other.false_alarms;
}

double Sums::value(const LearnerOptions& o) const {
  const double mlm = loss / masked;
  return o.objective == Objective::mlm ? mlm : mlm + o.rtd_weight * detection / tokens;
}

Learner::Learner(const nn::Config& config, const text::WordPiece& tokenizer, const LearnerOptions& options)
    : options_(options), encoder_(config, tokenizer, options.seed, options.objective == Objective::mlm) {
  declare();
  encoder_.params.initialise();
}

Learner::Learner(const run::ModelDirectory& from, const LearnerOptions& options, nn::Params::LoadReport& report)
    : options_(options), encoder_(from.config, from.tokenizer, options.seed, options.objective == Objective::mlm) {
  check(from.config.model_type == "bert", "{}: an encoder is a bert; this is a model of type '{}'", from.path,
        from.config.model_type);
  check(from.tokenizer.vocab_size() <= from.config.vocab_size,
        "{}: the vocabulary has {} pieces, the model {} embeddings", from.path, from.tokenizer.vocab_size(),
        from.config.vocab_size);
  declare();
  report = encoder_.params.load(nn::SafeTensors(from.path + "/model.safetensors"), [](const std::string& name) {
    return name.starts_with("cls.") || name.starts_with("generator.") || name.starts_with("discriminator_predictions.");
  });
}

void Learner::declare() {
  check(encoder_.tokenizer.mask_id() >= 0, "the vocabulary has no [MASK]");
  if (options_.objective == Objective::mlm) return;
  const nn::Scope root = encoder_.params.root();
  generator_.emplace(root / "generator", encoder_.bert.embeddings, encoder_.config, options_.generator_size);
  detector_.emplace(root / "discriminator_predictions", encoder_.config);
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
    parts.push_back({text::mask(lay_out(corpus, some), draws, encoder_.tokenizer, options_.mask, options_.seed),
                     {options_.seed, engine::Stream::sample, uint32_t(draws[0] >> 32), uint32_t(draws[0])}});
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

Tensor Learner::loss(const Part& part, const Sums& step, Sums& sums) const {
  const text::Masked& m = part.masked;
  const double M = double(m.rows.size()), N = double(m.tokens.count());
  if (options_.objective == Objective::mlm) {
    const Tensor logits = (*encoder_.masked_lm)(encoder_.bert.rows(m.tokens, m.rows));  // [N] -> [M, C] -> [M, V]
    const Tensor mlm = cross_entropy(logits, m.targets);                                // []
    sums.add({.masked = M, .loss = M * double(mlm.item())});
    return mlm * real(M / step.masked);
  }
  const Tensor logits = (*generator_)(m.tokens, m.rows);  // [N] -> [M, V]
  const Tensor mlm = cross_entropy(logits, m.targets);    // []
  const nn::Replaced replaced =
      nn::replace_tokens(m.tokens, m.rows, m.targets, nn::sample_rows(logits, part.random));  // [N]: no gradient
  const Tensor told = (*detector_)(encoder_.bert(replaced.tokens));                           // [N] -> [N, C] -> [N]
  const Tensor detection = binary_cross_entropy_with_logits(told, replaced.labels);           // []
  sums.add({.masked = M,
            .loss = M * double(mlm.item()),
            .tokens = N,
            .detection = N * double(detection.item()),
            .replaced = double(replaced.count)});
  return mlm * real(M / step.masked) + detection * real(options_.rtd_weight * N / step.tokens);
}

Sums Learner::measure(const Part& part) const {
  const engine::NoGrad no_grad;
  const text::Masked& m = part.masked;
  const bool mlm = options_.objective == Objective::mlm;
  const Tensor logits =
      mlm ? (*encoder_.masked_lm)(encoder_.bert.rows(m.tokens, m.rows)) : (*generator_)(m.tokens, m.rows);  // [M, V]
  Sums sums;
  sums.masked = double(m.rows.size());
  sums.loss = sums.masked * double(cross_entropy(logits, m.targets).item());
  const Tensor best = argmax(logits);  // [M]
  for (size_t i = 0; i < m.targets.size(); ++i) sums.right += best.data()[i] == real(m.targets[i]);
  if (mlm) return sums;
  const nn::Replaced replaced =
      nn::replace_tokens(m.tokens, m.rows, m.targets, nn::sample_rows(logits, part.random));
  const Tensor told = (*detector_)(encoder_.bert(replaced.tokens));  // [N]
  sums.tokens = double(m.tokens.count());
  sums.detection = sums.tokens * double(binary_cross_entropy_with_logits(told, replaced.labels).item());
  sums.replaced = double(replaced.count);
  for (long t = 0; t < told.numel(); ++t)
    if (told.data()[t] > 0) (replaced.labels.data()[t] > 0 ? sums.found : sums.false_alarms) += 1;
  return sums;
}

void Learner::save(const std::string& directory, int max_length, bool half) const {
  std::vector<Tensor> kept;
  for (const Tensor& t : encoder_.params.tensors())
    if (!t.name().starts_with("generator.") && !t.name().starts_with("discriminator_predictions.")) kept.push_back(t);
  nn::save_pretrained(kept, encoder_.config, directory, half ? nn::Stored::f16 : nn::Stored::f32);
  text::save_tokenizer(encoder_.tokenizer, directory, max_length);
}

}  // namespace pretrain
