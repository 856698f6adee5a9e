// Distil: what a translator takes from a larger one: the sentences that it writes, how likely it finds every next
// piece, where it looks. The formulas stand in nn/loss/distil.h and nn/loss/attention_transfer.h.
#pragma once

#include <optional>

#include "tasks/run/terms.h"
#include "tasks/translate/pairs.h"
#include "tasks/translate/translator.h"

namespace translate {

struct DistilOptions {
  std::string teacher;  // directory of a run or of a model
  double hard = 1;      // cross-entropy with the files' targets
  double soft_targets = 0, temperature = 1;
  double attention_kl = 0;
  std::string layer_map = "uniform";
  int teacher_beams = 0;  // of the search that writes the targets; 0: the files' own

  void declare(run::Options& options);
  // Error, as wrong usage: a term without a teacher, a teacher without a term, no term at all.
  void settle() const;
  bool compares() const { return soft_targets + attention_kl > 0; }  // piece by piece: both must read alike
};

// The teacher of a run; none where the options name none.
std::optional<Translator> load_teacher(const DistilOptions& options);

// The sources with what the teacher writes for them: the best of a beam search (Kim, Rush 2016, "Sequence-level
// knowledge distillation"). Pairs whose source is beyond its positions are left out.
Texts written_by(const Translator& teacher, const Texts& texts, int beams);

// The terms of a step.
class Distil {
 public:
  // `teacher` may be null: no terms. Both must outlive it. Error: other pieces; layers that cannot be matched.
  Distil(const DistilOptions& options, const Translator* teacher, const Translator& student);
  double hard() const { return options_.hard; }
  long positions() const { return positions_; }                    // that both have
  bool looks_inside() const { return options_.attention_kl > 0; }  // whether add_to() needs the student's trace

  // soft_targets  T^2 KL(teacher || student) of every next piece, mean over the target pieces (Hinton et al. 2015;
  //               "word-level" in Kim, Rush 2016)
  // attention_kl  KL of the attention across of each of the student's layers beside the teacher's that layer_map gives
  //               it, mean over the layers: head by head where the numbers of heads agree, of the means over the heads
  //               else
  //   logits [M, V], trace of decode()
  void add_to(run::Terms& terms, const engine::Tensor& logits, const nn::TranslationTrace& trace,
              const Batch& batch) const;

 private:
  engine::Tensor attention_term(const nn::TranslationTrace& student, const nn::TranslationTrace& teacher) const;

  DistilOptions options_;
  const nn::EncoderDecoder* teacher_ = nullptr;  // none where nothing is compared
  std::vector<int> map_;
  long positions_;
};

}  // namespace translate
