// A model directory of any kind: what it holds before it becomes a model, and the model.
#pragma once

#include <optional>

#include "tasks/model/text_model.h"

namespace model {

struct ModelDirectory {
  std::string path;  // DIR, or DIR/best if DIR is the directory of a run; of an encoder that ships where it stands
  nn::Config config;
  text::WordPiece tokenizer;
  Reading reading;
  std::vector<spec::TaskSpec> tasks;  // of tasks.json; without it the one that config.json describes
  nlohmann::ordered_json settings;    // what tasks.json says beside them
  explicit ModelDirectory(const std::string& directory);
  bool named() const { return tasks.size() != 1 || !tasks[0].name.empty(); }
};

// The task that config.json describes by `architectures`, `problem_type` and `id2label`.
spec::TaskSpec only_task_of(const nn::Config& config, const std::string& path);

// The labels of a directory's only classifier; empty: it has none.
text::Labels labels_of_classifier(const std::string& directory);

// Error: texts longer than the model has positions.
void check_positions(const Reading& reading, const nn::Config& config, const std::string& path);

// A model whose parameters come from the directory, all of them.
std::unique_ptr<TextModel> load_model(const ModelDirectory& from);

// One with these tasks, to be trained: its heads may be new, drawn by `seed`; what was loaded is said on the screen.
std::unique_ptr<TextModel> load_to_train(const ModelDirectory& from, std::vector<spec::TaskSpec> tasks, uint64_t seed,
                                         nn::Anew anew = nn::Anew::nothing);

// One task of several as a model directory of its own, of a BERT one that Hugging Face tools read. Error: a head that
// they have no place for.
void export_task(const TextModel& model, size_t task, const std::string& directory);

}  // namespace model
