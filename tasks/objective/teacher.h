// Teacher: what a teacher says of training texts, from the model itself or from a file that keeps it.
#pragma once

#include <optional>

#include "nn/format/tensor_stream.h"
#include "tasks/model/text_model.h"

namespace objective {

// One kind of output: "logits", or of a layer "scores.2", "query.2", "key.2", "value.2", "hidden.2" (after layer 2).
struct TeacherOutput {
  std::string kind;
  int layer = -1;
  std::string name() const { return layer < 0 ? kind : kind + "." + std::to_string(layer); }
};

// It reads every text alone, so that what it says does not depend on the batch, to the last bit: training from a cache
// and training beside the teacher are the same.
class Teacher {
 public:
  // `set` must outlive it. With a `cache` the outputs are written there first, or read if they are there already.
  // Error: a cache of other weights, of other texts, or without an output that is needed.
  Teacher(const model::TextModel& model, const text::EncodedSet& set, std::vector<TeacherOutput> needed,
          const std::string& cache);

  // [B, K] the logits of the batch's texts; `trace` receives the other outputs, at the places of their layers.
  engine::Tensor read(const text::Batch& batch, nn::Trace& trace) const;

 private:
  long width(const TeacherOutput& output) const;
  long size(const TeacherOutput& output, long text) const;  // numbers
  std::vector<engine::Tensor> compute(long text, const std::vector<TeacherOutput>& outputs) const;
  std::vector<std::vector<engine::real>> join(const std::vector<int>& texts) const;
  void write_cache(const std::string& path, const std::map<std::string, std::string>& identity) const;
  void open_cache(const std::string& path, const std::map<std::string, std::string>& identity);

  const model::TextModel& model_;
  const text::EncodedSet& set_;
  std::vector<TeacherOutput> needed_;
  bool looks_inside_;  // whether one of them is not the logits
  // The cache: one tensor, text after text, for each text the outputs that the file holds.
  std::optional<nn::TensorStream> cache_;
  std::vector<TeacherOutput> held_;
  std::vector<long> begin_;  // of each text
};

}  // namespace objective
