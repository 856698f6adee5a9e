// What a model makes of its tasks: predictions, figures, and the comparison with models of one task.
#pragma once

#include <nlohmann/json.hpp>

#include "tasks/multitask/model.h"

namespace multitask {

// What a head says of every text of a set, in order.
struct Outputs {
  std::vector<std::vector<double>> scores;  // label, labels: probabilities [n][K]; regression: the number [n][1]
  std::vector<Indices> tags;                // tokens: the best class of every token of a text
};

// The given heads over the texts, each text once through the encoder, dropout off. `batch`, if given, hears of every batch
// and head: its logits.
using OnLogits = std::function<void(size_t head, const Tensor& logits, const text::Batch& batch)>;
std::vector<Outputs> run_heads(Model& model, const text::EncodedSet& set, const std::vector<size_t>& heads,
                               const OnLogits& on_logits = nullptr);

// The tag of every word, by the token at its place; "O", or the first tag, for a word without one.
std::vector<std::string> tags_of_words(const TaskSpec& task, const Indices& tags, const Indices& places);

// Loss and metrics of every task on one split; nothing for a task without texts in it.
using Figures = nlohmann::ordered_json;  // {"loss": ..., "macro_f1": ...}
std::vector<Figures> evaluate(Model& model, const TaskSet& set, Split split);
Figures figures_of(const Task& task, const Targets& targets, const Outputs& outputs);

// One JSON object a text: {"text": ..., "TASK": {"label": ..., "probabilities": {...}}}, or {"labels": [...],
// "probabilities": {...}}, {"value": ...}, {"tags": [[word, tag], ...]}.
std::vector<nlohmann::ordered_json> predictions(Model& model, const std::vector<text::Example>& examples,
                                                int max_length);

// The task's metric among its figures; turned so that higher is better.
double metric_of(const TaskSpec& task, const Figures& figures);
double merit_of(const TaskSpec& task, const Figures& figures);

// What training on several tasks gained over training on one each, a share:
//   delta = (joint - single) / |single|, its sign turned where lower is better;  delta_m = their mean over the tasks
//   (Maninis, Radosavovic, Kokkinos 2019). NaN where `single` is 0.
double delta_of(const TaskSpec& task, const Figures& joint, const Figures& single);

// One line a task: metric on dev and test, and what the single-task model had, where there is one.
std::string table_of(const std::vector<TaskSpec>& tasks, const std::vector<Figures>& dev,
                     const std::vector<Figures>& test, const std::vector<Figures>& single);

}  // namespace multitask
