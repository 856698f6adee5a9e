// What is pre-trained: an encoder and what its objective puts on top of it. A step is seen part by part.
#pragma once

#include "nn/model/replaced_tokens.h"
#include "tasks/model/build.h"
#include "tasks/objective/transfer.h"
#include "tasks/run/terms.h"
#include "tasks/text/batches.h"
#include "tasks/text/corpus.h"
#include "tasks/text/masking.h"

namespace pretrain {

using engine::Tensor;

// Masked language modelling (Devlin et al. 2019) or replaced-token detection (ELECTRA: Clark et al. 2020).
enum class Objective { mlm, rtd };

struct LearnerOptions {
  Objective objective = Objective::mlm;
  text::MaskOptions mask;
  double generator_size = 0.25;  // of the encoder's width
  double rtd_weight = 50;        // of the detection in the loss, beside the generator's
  uint64_t seed = 0;
};

// The task that a model of this objective has: the pieces behind [MASK], or none, which is an encoder.
spec::TaskSpec task_of(Objective objective);

// Sums of a step or a measurement.
struct Sums {
  double masked = 0, loss = 0, right = 0;  // hidden pieces; their nats; those that were told
  double tokens = 0, detection = 0, replaced = 0, found = 0, false_alarms = 0;  // of a detection
  void add(const Sums& other);
  double value(const LearnerOptions& o) const;  // the loss of the objective
};

// Sequences with their pieces hidden, and what the random numbers of a detection are drawn from.
struct Part {
  text::Masked masked;
  engine::Random random;
  engine::Indices sequences;  // of the texts
  text::Batch batch() const { return text::unlabelled(masked.tokens); }
  double share_of(const Sums& step) const { return double(masked.tokens.count()) / step.tokens; }  // of its tokens
};

class Learner {
 public:
  Learner(std::unique_ptr<model::TextModel> model, const LearnerOptions& options);
  // From now on also what `teacher` makes of the same sequences, with the same pieces hidden, as `options` say: its
  // logits at the hidden pieces, its layers at every token. It stays as it is.
  // Error: what cannot be matched (tasks/objective/transfer.h); a detection, whose detector reads other sequences.
  void learn_from(std::unique_ptr<model::TextModel> teacher, const objective::TransferOptions& options);

  // The parts of a step, each of at most `tokens_a_part` tokens unless one sequence is longer. Sequence i is draw
  // number first_draw + i.
  std::vector<Part> parts(const text::Corpus& corpus, const std::vector<long>& sequences, uint64_t first_draw,
                          long tokens_a_part) const;
  static Sums counts(const std::vector<Part>& parts);  // masked and tokens alone

  // The loss of a part, as terms that each are its share of the step's: over the parts they add up to the mean over all
  // hidden pieces of the step, and for a detection to the mean over all of its tokens, which weighs rtd_weight.
  // The teacher's terms are means over hidden pieces, or over tokens, too. `trace`, if there is one, receives what the
  // encoder did: the detector of a detection.
  run::Terms loss(const Part& part, const Sums& step, nn::Trace* trace = nullptr) const;
  Sums measure(const Part& part) const;  // without a graph

  model::TextModel& model() { return *model_; }
  const LearnerOptions& options() const { return options_; }
  const model::TextModel* teacher() const { return taught_ ? taught_->teacher.get() : nullptr; }
  std::vector<Tensor> beside_the_model() const;  // the parameters of generator and detector, or projections
  bool learns_pieces() const { return !taught_ || taught_->options.teaches_output(); }  // or only a teacher's layers
  void train(long step);  // dropout of those on, with the masks of this step

 private:
  struct Electra {
    nn::Params params;
    nn::Generator generator;
    nn::ReplacedTokenHead detector;
    Electra(const nn::Model& encoder, const LearnerOptions& options);
  };
  struct Detected {
    nn::Replaced replaced;
    Tensor told;  // [N]
  };
  struct Taught {
    std::unique_ptr<model::TextModel> teacher;
    objective::TransferOptions options;
    objective::Transfer transfer;
    Taught(std::unique_ptr<model::TextModel> by, const objective::TransferOptions& options,
           const model::TextModel& student, uint64_t seed)
        : teacher(std::move(by)), options(options), transfer(options, *teacher, student, seed) {}
  };
  Tensor told(const text::Masked& masked,
              nn::Trace* trace = nullptr) const;  // [M, V]: by the model's head, or by the generator
  Detected detect(const Part& part, const Tensor& logits, nn::Trace* trace = nullptr) const;
  objective::Transfer::Said teacher_says(const text::Masked& masked) const;

  LearnerOptions options_;
  std::unique_ptr<model::TextModel> model_;
  std::unique_ptr<Electra> electra_;
  std::unique_ptr<Taught> taught_;
};

}  // namespace pretrain
