// TextModel: a model of texts as programs use it: its tasks, its tokenizer, how it reads, and the network.
#pragma once

#include <memory>

#include "nn/format/json_value.h"
#include "nn/format/pretrained.h"
#include "tasks/model/calibration.h"
#include "tasks/model/reading.h"
#include "tasks/spec/task_file.h"

namespace model {

struct TextModel {
  std::vector<spec::TaskSpec> tasks;  // one a head, in their order; a single one may have no name
  text::WordPiece tokenizer;
  Reading reading;
  nn::Model net;
  nn::ordered_json settings;  // what tasks.json says beside the tasks: the seed that shares out their texts
  Calibrations calibrations;  // one a head; nothing while it is trained

  // Declares the parameters; initialise() or load them.
  TextModel(const nn::Config& config, std::vector<spec::TaskSpec> tasks, text::WordPiece tokenizer, Reading reading,
            uint64_t seed);

  const nn::Config& config() const { return net.config; }
  bool named() const { return tasks.size() != 1 || !tasks[0].name.empty(); }
  size_t task(const std::string& name) const;  // Error: none is called like this (the nearest name)
  const spec::TaskSpec& only_task() const;     // Error: several
  const std::vector<std::string>& labels() const { return only_task().labels.names(); }

  // Of a model with an adapter: what the adapter has (nn/adapter/files.h), config.json and how texts are read. Else
  // config.json, model.safetensors and the tokenizer's files; of named tasks also tasks.json. A single task without a
  // name over a BERT is a directory that Hugging Face tools read.
  void save(const std::string& directory, nn::Stored stored = nn::Stored::f32) const;
};

// The head that a task needs on this encoder.
nn::HeadConfig head_config(const spec::TaskSpec& task, const nn::Config& encoder);

// Whether it is a regression that has no name: its directory has no place for mean and deviation.
bool predicts_one_number(const TextModel& model);
// Its classifier says factor * y + shift from now on.
void rescale_classifier(const TextModel& model, double factor, double shift);

// The line about a model on the screen: "model pool: 0.90 M parameters, 3516 pieces, labels ...".
void print_model(const std::string& name, const TextModel& model);

}  // namespace model
