// The tasks of a model with their data: texts, shared by the tasks that read the same ones, and each task's targets.
#pragma once

#include "tasks/spec/task_file.h"
#include "tasks/text/batches.h"

namespace spec {

using engine::Indices;
using engine::Tensor;

enum Split { kTrain, kDev, kTest };
constexpr const char* kSplitNames[] = {"train", "dev", "test"};

// Texts. Tasks that name the same files and text columns share them: they are read and split once, and pass through the
// encoder once.
struct Corpus {
  std::vector<text::Example> examples[3];
  text::EncodedSet texts[3];  // after encode()
  bool separate_test = true;  // false: test is dev again
};

// What a task wants of a corpus' texts: text i has entry i of whichever list is the head's.
struct Targets {
  Indices rows;                         // the texts that the task uses
  Indices classes;                      // label
  std::vector<std::vector<bool>> sets;  // labels: [n][K]
  std::vector<double> numbers;          // regression
  std::vector<Indices> tags;            // tokens: the class of every word
  std::vector<Indices> places;          // tokens, after encode(): where each word's first piece stands; -1: cut off
};

struct Task {
  TaskSpec spec;  // labels, mean and deviation filled in from the data
  int corpus = 0;
  Targets targets[3];
  engine::CrossEntropyOptions loss_options;
};

struct TaskSet {
  std::vector<Corpus> corpora;
  std::vector<Task> tasks;
  TaskSet only(size_t task) const;  // one task with its corpus
};

// One task, as it was loaded, with other texts, their labels and numbers those of their rows: a part of them, a fold.
TaskSet with_texts(const TaskSpec& spec, std::vector<text::Example> train, std::vector<text::Example> dev,
                   std::vector<text::Example> test);

// Reads the tasks' data. Where a file has no column `split`, the first task that reads it decides, by seed and label,
// and the others follow. Error: as the task file names it; what a head cannot learn from; no text to train on.
TaskSet load_tasks(const std::vector<TaskSpec>& specs, uint64_t seed);

// One task with the texts of these files as its test split, for a model that is there already; without files the
// embedded test set.
TaskSet load_test(const TaskSpec& spec, const std::vector<std::string>& files);

// Texts become ids, with a line on stderr for each corpus and task.
void encode(TaskSet& set, const text::WordPiece& tokenizer, int max_length, text::TooLong how);

// What a run learns from and is measured on, vocabulary, texts and targets: a run that is continued must find the same.
std::string fingerprint_of(const TaskSet& set, const text::WordPiece& tokenizer);

// The words of a text: what is between blanks.
std::vector<std::string> words_of(const std::string& text);

// Where every word's first piece stands in the encoded text, [CLS] being 0; -1: a word without any or past the end.
Indices first_pieces(const std::string& text, const text::WordPiece& tokenizer, long length);

}  // namespace spec
