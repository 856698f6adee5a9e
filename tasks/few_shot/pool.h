// The pool: tasks with a single label that a model learns to learn from, and the memory of which they were.
#pragma once

#include "tasks/model/directory.h"
#include "tasks/objective/robust_options.h"
#include "tasks/run/fingerprint.h"

namespace few_shot {

using engine::Indices;

// A task with its texts, all of them or those to train on.
struct TaskTexts {
  std::string name;
  text::Examples examples;
};
// Error: a key that is for other programs and would do nothing here.
void check_keys(const spec::TaskSpec& spec);
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
  text::EncodedSet copies;       // of --augment: all texts in their order, as often as it says; or nothing
  long first_class = 0;          // of all the pool's classes, side by side
};
PoolTask encode(const TaskTexts& task, const text::WordPiece& tokenizer, const model::Reading& reading);
// The whole pool, with a line on stderr for each task; and the copies that `robust` asks for.
std::vector<PoolTask> encode(const std::vector<TaskTexts>& pool, const model::TextModel& model,
                             const objective::RobustOptions& robust, uint64_t seed);

// Vocabulary, texts and labels: a run that is continued must find the same.
run::Fingerprint fingerprint_of(const std::vector<PoolTask>& pool, const text::WordPiece& tokenizer);

// pool.json beside a model: by which method it was trained on which texts.
void save_pool(const std::string& directory, const std::string& method, const std::vector<TaskTexts>& pool);
// Error: half of these texts or more stand in the pool of the model in `directory`, in whichever of its tasks; a line
// where fewer do. Nothing if it has no pool.json.
void refuse_trained(const std::string& directory, const TaskTexts& task);

// One label of `labels`, by a head without a name.
spec::TaskSpec classifier_of(const std::vector<std::string>& labels);
// "class 1", ..., "class N".
std::vector<std::string> numbered_classes(long count);
// The last layer becomes zero: before it has learned, it prefers none of its classes (Kao, Chiu, Chen 2022).
void zero_classifier(const model::TextModel& model);
bool is_last_layer(const std::string& parameter);  // what episodes do not share
// A model directory without a last layer: what `few_shot`, `sentiment train --model` and Hugging Face tools begin with.
void save_encoder(const model::TextModel& model, const std::string& directory);

}  // namespace few_shot
