// The model of several tasks as programs use it: configuration, tokenizer, parameters, and the directory that holds them.
#pragma once

#include <memory>

#include "nn/model/multitask.h"
#include "tasks/spec/tasks.h"

namespace multitask {

struct Model {
  nn::Config config;  // the encoder's; its labels are empty
  text::WordPiece tokenizer;
  std::vector<TaskSpec> tasks;  // the heads, in their order
  nn::Params params;
  nn::MultitaskNet net;

  // Declares the parameters; initialise() or load them.
  Model(nn::Config c, text::WordPiece t, std::vector<TaskSpec> specs, uint64_t seed);

  std::vector<Tensor> shared() const;          // the trainable parameters that all tasks have in common
  size_t task(const std::string& name) const;  // Error: no such task (the nearest name)

  // config.json, model.safetensors, the vocabulary, and tasks.json: what load_model() reads back.
  void save(const std::string& directory, int max_length) const;
};

// The head that a task needs on this encoder. Error: one that it cannot carry.
nn::HeadConfig head_config(const TaskSpec& task, const nn::Config& encoder);

// A new model, or one whose encoder comes from a directory: then each head that reads [CLS] begins with its pooler.
std::unique_ptr<Model> new_model(const model::TrainOptions& o, const TaskSet& set);

// DIR, or DIR/best if DIR is the directory of a run.
std::unique_ptr<Model> load_model(const std::string& directory);

// One task as a model directory of its own, which `sentiment` reads and, of a BERT, Hugging Face tools. Error: a head that
// they have no place for.
void export_task(const Model& model, size_t task, const std::string& directory);

}  // namespace multitask
