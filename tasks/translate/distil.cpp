// From a larger translator to a smaller one. Read tasks/translate/distil.h and nn/model/decoder.h first.
#include "tasks/translate/distil.h"

#include "nn/loss/attention_transfer.h"
#include "nn/loss/distil.h"
#include "tasks/objective/transfer.h"
#include "tasks/run/arguments.h"
#include "tasks/run/console.h"
#include "tasks/run/progress.h"

namespace translate {

using engine::check;
using engine::real;
using engine::Tensor;

void DistilOptions::declare(run::Options& options) {
  const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("Transfer: from a larger translator");
  };
  add("--teacher", teacher, "directory of a run or of a model: a new student reads with its pieces");
  add("--hard", hard, "weight of the cross-entropy with the files' targets").not_negative();
  add("--soft-targets", soft_targets, "weight of T^2 KL of the next pieces, softened (Hinton et al. 2015)")
      .not_negative();
  add("--temperature", temperature, "T").only_with("--soft-targets").between(1e-3, 1e3);
  add("--attention-kl", attention_kl, "weight of the KL of the attention across").not_negative();
  add("--layer-map", layer_map,
      "which layer of the teacher's decoder each of the student's has: uniform, top, last, 1,3")
      .only_with("--attention-kl");
  add("--teacher-beams", teacher_beams,
      "targets are what the teacher writes with so many beams (Kim, Rush 2016); 0: those of the files")
      .between(0, 100);
}

void DistilOptions::settle() const {
  const bool asked = compares() || teacher_beams > 0;
  if (asked && teacher.empty()) run::usage_error("--soft-targets, --attention-kl and --teacher-beams need a --teacher");
  if (!asked && !teacher.empty())
    run::usage_error("--teacher hands over nothing without --soft-targets, --attention-kl or --teacher-beams");
  if (hard == 0 && soft_targets == 0)
    run::usage_error("--hard 0 leaves nothing to learn without --soft-targets: attention alone writes nothing");
}

std::optional<Translator> load_teacher(const DistilOptions& o) {
  if (o.teacher.empty()) return std::nullopt;
  return Translator::load_to_train(o.teacher);
}

Texts written_by(const Translator& teacher, const Texts& texts, int beams) {
  Texts written;
  const long positions = teacher.model->config.max_position_embeddings;
  for (long i = 0; i < texts.size(); ++i) {
    if (long(teacher.pieces.source(texts.source[i]).size()) > positions) continue;
    written.source.push_back(texts.source[i]);
    written.where.push_back(texts.where[i]);
  }
  if (written.size() < texts.size())
    run::print_note("left out: {} pairs whose source is beyond the teacher's {} positions\n",
                    texts.size() - written.size(), positions);
  DecodeOptions how;
  how.beams = beams;
  run::Progress progress("teacher", written.size());
  for (const auto& found : teacher.translate(written.source, how, [&](long done) { progress.update(done); }))
    written.target.push_back(found[0].text);
  progress.interrupt();
  return written;
}

Distil::Distil(const DistilOptions& o, const Translator* teacher, const Translator& student)
    : options_(o), positions_(student.model->config.max_position_embeddings) {
  if (!o.compares()) return;
  teacher_ = teacher->model.get();
  const nn::TranslationConfig &c = student.model->config, &t = teacher_->config;
  check(teacher->pieces.same_ids(student.pieces),
        "the teacher has {} pieces, the student {}, and not the same ones: only --teacher-beams fits",
        teacher->pieces.size(), student.pieces.size());
  check(t.decoder_start_token_id == c.decoder_start_token_id,
        "the teacher's targets begin with piece {}, the student's with {}", t.decoder_start_token_id,
        c.decoder_start_token_id);
  positions_ = std::min(positions_, t.max_position_embeddings);
  if (looks_inside()) map_ = objective::layer_map(o.layer_map, c.decoder_layers, t.decoder_layers);
}

void Distil::add_to(run::Terms& terms, const Tensor& logits, const nn::TranslationTrace& trace,
                    const Batch& batch) const {
  if (!teacher_) return;
  nn::TranslationTrace theirs;
  Tensor target;  // [M, V]
  {
    const engine::NoGrad no_grad;
    const Tensor memory = teacher_->encode(batch.source);
    const Tensor states =
        teacher_->decode(batch.input, memory, batch.source.offsets, looks_inside() ? &theirs : nullptr);
    if (options_.soft_targets > 0) target = teacher_->logits(states);
  }
  if (options_.soft_targets > 0)
    terms.add("soft_targets", options_.soft_targets, nn::distillation(logits, target, real(options_.temperature)));
  if (looks_inside()) terms.add("attention_kl", options_.attention_kl, attention_term(trace, theirs));
}

Tensor Distil::attention_term(const nn::TranslationTrace& student, const nn::TranslationTrace& teacher) const {
  Tensor sum;
  long pairs = 0;
  for (size_t l = 0; l < map_.size(); ++l) {
    if (map_[l] < 0) continue;
    const nn::AttentionMaps &s = student.cross[l], &t = teacher.cross[map_[l]];
    const Tensor term = s.layout.heads == t.layout.heads ? nn::attention_kl(s.scores, t.scores, s.layout)
                                                         : nn::attention_mean_kl(s.probs, s.layout, t.probs, t.layout);
    sum = pairs++ ? sum + term : term;
  }
  return sum * (1 / real(pairs));
}

}  // namespace translate
