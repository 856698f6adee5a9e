// TextModel: a classifier of texts as programs use it: configuration, tokenizer, parameters, and the directory that
// holds them.
#pragma once

#include <functional>
#include <memory>

#include "nn/pretrained.h"
#include "tasks/text/batches.h"

namespace run {

struct TextModel {
  nn::Config config;
  text::WordPiece tokenizer;
  nn::Params params;
  nn::Classifier classifier;

  // Declares the parameters; initialise() or load them.
  TextModel(nn::Config c, text::WordPiece t, uint64_t seed);

  void save(const std::string& directory, int max_length) const;
};

// What a model directory holds, before it becomes a model: the caller may change the configuration in between.
struct ModelDirectory {
  std::string path;  // DIR, or DIR/best if DIR is the directory of a run
  nn::Config config;
  text::WordPiece tokenizer;
  explicit ModelDirectory(const std::string& directory);
};

// A model whose parameters come from the directory, all of them.
std::unique_ptr<TextModel> load_model(const ModelDirectory& from);

// One to be fine-tuned: its head may be new, drawn by `seed`. `report` receives what was loaded and what was not.
std::unique_ptr<TextModel> load_to_fine_tune(const ModelDirectory& from, uint64_t seed, nn::Params::LoadReport& report,
                                             nn::Head head = nn::Head::kept);

// Every example's probabilities [n][K], in order, and the mean cross-entropy over those that have a label. Of a model
// whose labels do not exclude each other each has a probability of its own, and the loss is their binary cross-entropy.
struct Predictions {
  std::vector<std::vector<double>> probabilities;
  double loss = 0;
  std::vector<int> best() const;  // the most probable class of each
};
// Dropout is off meanwhile. `progress`, if given, hears how many are done.
Predictions predict(TextModel& model, const text::EncodedSet& set, int batch_size,
                    const std::function<void(long)>& progress = nullptr);

}  // namespace run
