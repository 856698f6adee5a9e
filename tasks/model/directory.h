// A model directory of any kind: what it holds before it becomes a model, and the model.
#pragma once

#include <optional>

#include "tasks/model/text_model.h"

namespace model {

struct ModelDirectory {
  std::string path;  // DIR, or DIR/best if DIR is the directory of a run; of an encoder that ships where it stands
  std::string base;  // where the weights are: the same, or an adapter's base model
  std::optional<nn::AdapterConfig> adapter;  // of an adapter directory (nn/adapter/files.h)
  nn::Config config;
  text::WordPiece tokenizer;
  Reading reading;
  std::vector<spec::TaskSpec> tasks;  // of tasks.json; without it the one that config.json describes
  nn::ordered_json settings;          // what tasks.json says beside them
  // `base_given`: where an adapter's base model is, if not where its directory says.
  explicit ModelDirectory(const std::string& directory, const std::string& base_given = "")
      : ModelDirectory(places_of(directory, base_given)) {}
  bool named() const { return tasks.size() != 1 || !tasks[0].name.empty(); }
  bool has(const std::string& parameter) const;  // in the adapter, or in the base

 private:
  struct Places {
    std::string path, base;
    std::optional<nn::AdapterConfig> adapter;
  };
  static Places places_of(const std::string& directory, const std::string& base_given);
  explicit ModelDirectory(Places places);
};

// DIR, or DIR/best if DIR is the directory of a run; a shipped model's by its name. Error: there is none.
std::string model_path(const std::string& given);

// The task that config.json describes by `architectures`, `problem_type` and `id2label`.
spec::TaskSpec only_task_of(const nn::Config& config, const std::string& path);

// The labels of a directory's only classifier; empty: it has none.
text::Labels labels_of_classifier(const ModelDirectory& from);

// Error: texts longer than the model has positions.
void check_positions(const Reading& reading, const nn::Config& config, const std::string& path);
void check_positions(const Reading& reading, const nn::Model& net, const std::string& path);  // behind a prefix, too

// A model whose parameters come from the directory, all of them. An adapter that can be is merged: a model like any
// other, as fast; `as_it_is` leaves it beside its base.
enum class Adapters { merged, as_it_is };
std::unique_ptr<TextModel> load_model(const ModelDirectory& from, Adapters adapters = Adapters::merged);

// One with these tasks, to be trained: its heads may be new, drawn by `seed`; what was loaded is said on the screen. Of
// an adapter directory, what it holds is trained.
std::unique_ptr<TextModel> load_to_train(const ModelDirectory& from, std::vector<spec::TaskSpec> tasks, uint64_t seed,
                                         nn::Anew anew = nn::Anew::nothing);

// One task of several as a model directory of its own, of a BERT one that Hugging Face tools read. Error: a head that
// they have no place for.
void export_task(const TextModel& model, size_t task, const std::string& directory);

}  // namespace model
