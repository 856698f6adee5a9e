// What tests of models of texts share: a vocabulary, tasks, models with first values, sets with their targets.
#pragma once

#include <memory>

#include "tasks/model/text_model.h"
#include "tasks/spec/tasks.h"
#include "tests/support/nn.h"

namespace test {

// Cuts every word of a ... z into letters.
inline text::WordPiece letters() {
  std::vector<std::string> pieces{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  for (const std::string mark : {"", "##"})
    for (char c = 'a'; c <= 'z'; ++c) pieces.push_back(mark + c);
  return text::WordPiece(pieces);
}

// A task as a task file would make it.
inline spec::TaskSpec task_of(const std::string& name, nn::Predicts predicts,
                              const std::vector<std::string>& labels = {"bad", "good"}) {
  spec::TaskSpec task;
  task.name = name;
  task.where = "test: tasks." + name;
  task.head = predicts;
  if (task.classifies()) task.labels = text::Labels(labels);
  if (predicts == nn::Predicts::labels) {
    task.loss = "binary_cross_entropy";
    task.metric = "micro_f1";
  } else if (predicts == nn::Predicts::number) {
    task.loss = "mse";
    task.metric = "pearson";
  } else if (predicts == nn::Predicts::tags) {
    task.metric = "entity_f1";
  }
  return task;
}

// One without a name that predicts a label by two queries of its own.
inline spec::TaskSpec own_attention() {
  spec::TaskSpec task = task_of("", nn::Predicts::label);
  task.reads = nn::Reads::attention;
  task.queries = 2;
  return task;
}

// A model with first values; types: bert, attention_pool. The vocabulary decides its size.
inline std::unique_ptr<model::TextModel> text_model(nn::Config c, const std::vector<spec::TaskSpec>& tasks,
                                                    uint64_t seed = 3, const text::WordPiece& tokenizer = letters()) {
  c.vocab_size = tokenizer.vocab_size();
  auto model = std::make_unique<model::TextModel>(c, tasks, tokenizer,
                                                  model::Reading{.max_length = int(c.max_position_embeddings)}, seed);
  model->net.params.initialise();
  return model;
}

inline const std::vector<text::Example> kThreeTexts{{.text = "warm bread", .label = 1},
                                                    {.text = "a cold soup again", .label = 0},
                                                    {.text = "they left before the end", .label = 0}};

// As before a step of training: no gradient, and the dropout of one certain step.
inline void begin_step(model::TextModel& model) {
  model.net.params.clear_grads();
  model.net.params.mode() = {.training = true, .seed = 5, .step = 9, .calls = 0};
}

// One task that predicts a label, with these texts and classes to train on.
inline spec::TaskSet train_set(const spec::TaskSpec& task, const text::EncodedSet& texts) {
  spec::TaskSet set;
  set.corpora.resize(1);
  set.corpora[0].texts[spec::kTrain] = texts;
  spec::Targets targets;
  for (long i = 0; i < texts.size(); ++i) targets.rows.push_back(int(i));
  targets.classes = texts.labels;
  set.tasks.resize(1);
  set.tasks[0].spec = task;
  set.tasks[0].targets[spec::kTrain] = targets;
  return set;
}

}  // namespace test
