// Transfer: what a student takes from a teacher, as a weighted sum of losses. The formulas stand in
// nn/loss/attention_transfer.cpp and nn/loss/distil.cpp.
#pragma once

#include "tasks/objective/teacher.h"
#include "tasks/run/terms.h"

namespace run {
class Options;
}

namespace objective {

struct TransferOptions {
  std::string teacher;  // directory of a run or of a model
  // Logits.
  double hard = 1;          // cross-entropy with the labels, or with the pieces that are hidden
  double soft_targets = 0;  // T^2 KL
  double soft_cross_entropy = 0;
  double temperature = 4;  // of both
  // Layers: a student's layer beside the teacher's that --layer-map gives it.
  double score_mse = 0, attention_cross_entropy = 0, attention_kl = 0;
  double hidden_mse = 0, hidden_cosine = 0, activation_map = 0, patient = 0;
  double minilm = 0;     // v1: attention_kl and the values' relations
  double relations = 0;  // v2: QQ, KK, VV
  long relation_heads = 0;
  std::string layer_map = "uniform";
  std::string from_layers;    // teacher layers that the student begins with: uniform, last, top or a list
  std::string teacher_cache;  // file of what the teacher says of the training texts

  void declare(run::Options& options);             // beside labels
  void declare_unlabelled(run::Options& options);  // beside hidden pieces: they are others every time, so no cache
  bool reads_logits() const;                       // whether a term reads them
  bool looks_inside() const;                       // whether one reads more
  bool compares() const;                           // whether a term reads anything of the teacher
  bool asks_the_teacher() const;                   // the same, or the student begins as its layers
  bool teaches_output() const;                     // whether what the model says is learned, or its layers alone
  // Usage error: an option of the loss with the labels, or of the best epoch, where --hard 0 leaves nothing of it.
  void check_left_out(const run::Options& options) const;

 private:
  void declare_terms(run::Options& options, const char* hard_is, bool optional_teacher);
};

// Usage error: an option of the loss with the labels where --hard 0 leaves that out.
void check_hard(const run::Options& options, double hard);

// For each of the student's layers the teacher's: uniform (every k-th, with the last), top (the last ones), last (only
// the last, -1 for the others), or a list "1,3". Error: another length; past the end; more layers than the teacher.
std::vector<int> layer_map(const std::string& spec, long student_layers, long teacher_layers);

class Transfer {
 public:
  // The student may need projections to the teacher's width: they are trained with it, and stay out of its model.
  // Error: what cannot be matched - another vocabulary, other labels, layers, heads or widths.
  Transfer(const TransferOptions& options, const model::TextModel& teacher, const model::TextModel& student,
           uint64_t seed);

  const std::vector<engine::Tensor>& projections() const { return projections_.tensors(); }

  // The texts that add_to() will be asked about; with options.teacher_cache their outputs are written or found there.
  // Error: the cache belongs to other weights or texts, or lacks an output.
  void read_texts(const text::EncodedSet& set);

  bool looks_inside() const { return options_.looks_inside(); }
  // All terms but the labels' cross-entropy, which has weight options.hard.
  void add_to(run::Terms& terms, const engine::Tensor& logits, const nn::Trace& trace, const text::Batch& batch) const;

  // What a model does with tokens: its logits, and its layers, where a term reads them.
  struct Said {
    engine::Tensor logits;
    nn::Trace trace;
  };
  // The same of a part of a step, whose terms are each its share of the step's: of the rows of logits, and of the tokens.
  struct Shares {
    double logits = 1, layers = 1;
  };
  void add_to(run::Terms& terms, const Said& student, const Said& teacher, const engine::Indices& offsets,
              const Shares& shares) const;

 private:
  struct Layers;
  struct Sum;
  std::vector<TeacherOutput> needed() const;
  void add_logit_terms(const Sum& sum, const engine::Tensor& logits, const engine::Tensor& target) const;
  void add_attention_terms(const Sum& sum, const Layers& layers, const engine::Indices& offsets) const;
  void add_hidden_terms(const Sum& sum, const Layers& layers, const engine::Indices& offsets) const;

  TransferOptions options_;
  const model::TextModel& teacher_;
  std::vector<int> map_;
  nn::Params projections_;
  std::optional<nn::Linear> project_;  // shared by all layers (TinyBERT)
  std::optional<Teacher> reader_;      // none where no term needs it
};

// The student's first values from the teacher: embeddings, the layers that options.from_layers names, and the pooler.
void start_from_teacher(const TransferOptions& options, const model::TextModel& teacher, model::TextModel& student);

}  // namespace objective
