// What is pre-trained: an encoder and what its objective puts on top of it. A step is seen part by part.
#pragma once

#include "nn/replaced_tokens.h"
#include "tasks/run/encoder.h"
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

// Sequences with their pieces hidden, and what the random numbers of a detection are drawn from.
struct Part {
  text::Masked masked;
  engine::Random random;
};

// Sums over tokens: of a step, or of a measurement. Accuracy is that of the hidden pieces.
struct Sums {
  double masked = 0, loss = 0, right = 0;                       // hidden pieces; their nats; those that were told
  double tokens = 0, detection = 0, replaced = 0, found = 0, false_alarms = 0;  // of a detection only
  void add(const Sums& other);
  double value(const LearnerOptions& o) const;  // the loss of the objective
};

class Learner {
 public:
  // A new encoder, or one from a directory; heads that the directory lacks are new.
  Learner(const nn::Config& config, const text::WordPiece& tokenizer, const LearnerOptions& options);
  Learner(const run::ModelDirectory& from, const LearnerOptions& options, nn::Params::LoadReport& report);

  // The parts of a step, each of at most `tokens_a_part` tokens unless one sequence is longer. Sequence i is draw number
  // first_draw + i.
  std::vector<Part> parts(const text::Corpus& corpus, const std::vector<long>& sequences, uint64_t first_draw,
                          long tokens_a_part) const;

  // The loss of a part as its share of the step: over the step's parts they add up to the mean over all of its hidden
  // pieces, plus rtd_weight times the mean over all of its tokens. `sums` takes what was seen.
  Tensor loss(const Part& part, const Sums& step, Sums& sums) const;
  static Sums counts(const std::vector<Part>& parts);  // masked and tokens alone

  Sums measure(const Part& part) const;  // without a graph

  run::Encoder& encoder() { return encoder_; }
  const LearnerOptions& options() const { return options_; }
  // The encoder as Hugging Face has it: BertForMaskedLM, or a BertModel where a detection was learned.
  void save(const std::string& directory, int max_length, bool half = false) const;

 private:
  void declare();

  LearnerOptions options_;
  run::Encoder encoder_;
  std::optional<nn::Generator> generator_;
  std::optional<nn::ReplacedTokenHead> detector_;
};

}  // namespace pretrain
