// The pool: tasks with a single label that a model learns to learn from, and the memory of which they were.
#pragma once

#include <nlohmann/json.hpp>

#include "tasks/spec/task_file.h"
#include "tasks/model/text_model.h"

namespace few_shot {

using engine::Indices;

// A task with its texts, all of them or those to train on.
struct TaskTexts {
  std::string name;
  text::Examples examples;
};
// The training examples of a task, or with `test` those it is to be tested on (none, if it names no files for them).
// Error: another head than `label`.
TaskTexts read_texts(const spec::TaskSpec& spec, bool test = false);
// Every task of the file but those held out, each of which must be one of the file's.
std::vector<TaskTexts> read_pool(const spec::TaskFile& file, const std::vector<std::string>& hold_out);

// The same as ids.
struct PoolTask {
  std::string name;
  std::vector<std::string> labels;
  text::EncodedSet set;
  std::vector<Indices> rows_of;  // [K]: the texts of each class
  long first_class = 0;          // of all the pool's classes, side by side
};
PoolTask encode(const TaskTexts& task, const text::WordPiece& tokenizer, int max_length);

// pool.json beside a model: by which method it was trained on which texts.
void save_pool(const std::string& directory, const std::string& method, const std::vector<TaskTexts>& pool);
// Error: half of these texts or more stand in the pool of the model in `directory`. Nothing if it has no pool.json.
void refuse_trained(const std::string& directory, const TaskTexts& task);

// A classifier with the encoder of `from` (a directory; or drawn anew, if `new_weights`) and for `labels` a last
// layer of zeros: before it has learned, it prefers none of them (Kao, Chiu, Chen 2022).
std::unique_ptr<model::TextModel> with_new_classifier(const model::ModelDirectory& from,
                                                    const std::vector<std::string>& labels, uint64_t seed,
                                                    bool new_weights = false);
void zero_classifier(const model::TextModel& model);
// What episodes share: everything but the last layer.
std::vector<engine::Tensor> encoder_of(const model::TextModel& model);
// A model directory without a last layer: what `few-shot`, `sentiment train --model` and Hugging Face tools begin with.
void save_encoder(const model::TextModel& model, const std::string& directory, int max_length);

}  // namespace few_shot
