// The task file: which tasks a model does, in JSON with comments. tasks/multitask/README.md documents every key.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "nn/format/json_value.h"
#include "nn/model/heads.h"
#include "tasks/spec/splits.h"

namespace spec {

struct TaskSpec {
  std::string name;   // empty: the only one of a model, without a name
  std::string where;  // "tasks.json: tasks.NAME": how errors begin; empty: they name file and line themselves
  // Its data.
  DataFiles files;
  text::Labels labels;  // empty: those of the data
  std::string labels_text = "auto";
  std::string separator;  // between the labels of a text (",") or the tags of its words (" ")
  long examples = 0;      // to train on, by seed; 0: all
  // Its head.
  nn::Predicts head = nn::Predicts::label;
  std::optional<nn::Reads> reads;  // by the encoder, if not given
  std::optional<long> queries;     // of its own attention
  long adapter = 0;
  long width = 0;  // of a vector: what it is projected to; 0: as wide as the encoder
  // Its loss and metric.
  std::string loss = "cross_entropy", metric = "macro_f1";
  std::optional<double> weight;
  double label_smoothing = 0;
  std::string class_weights = "none";  // or balanced, or given (the next), or a file of them
  std::map<std::string, double> weight_of_class;
  double mean = 0, deviation = 1;  // of a regression's training targets: the head predicts (y - mean) / deviation

  bool classifies() const { return one_class() || head == nn::Predicts::labels || head == nn::Predicts::tags; }
  bool one_class() const { return head == nn::Predicts::label || head == nn::Predicts::ordinal; }
  nn::ordered_json json() const;  // what a task file says of it
};

// What ties two tasks, or a task to itself, beside the encoder: an entry of "alignment" or of "agreement". See ties.h.
struct TieSpec {
  std::string where;  // "tasks.json: alignment[0]"
  bool agreement = false;
  std::string what;      // attention, context, queries; symmetric_kl, jensen_shannon
  std::string from, to;  // source and target; the two that agree
  double weight = 1;
  std::string schedule = "constant";  // or rise, decay
  std::string texts;                  // target, corpus, or a file
  std::string text_column = "text";
  long batch_size = 0;            // 0: that of the tasks
  long after = 1;                 // queries: epochs
  std::string views = "dropout";  // or halves, words
  double share = 0.2;             // words: of the tokens that are left out
};

struct TaskFile {
  std::string path, text;
  std::vector<TaskSpec> tasks;
  std::vector<TieSpec> ties;
  nn::ordered_json settings;  // every other key: an option of `train` with _ for -
};

// Error, one line with file and key: not JSON, a key that is there twice or unknown, a value of the wrong type, a name
// that is none (with the nearest one that is), a loss or metric that does not fit the head; in a file that somebody
// wrote, a key that nothing reads beside the others. A model's own file is taken as it is.
enum class Written { by_hand, by_program };
TaskFile parse_task_file(const std::string& text, const std::string& path, Written by = Written::by_hand);
TaskFile read_task_file(const std::string& path, Written by = Written::by_hand);

const std::string& head_name(nn::Predicts head);
nn::Predicts head_named(const std::string& name);               // Error: none of them
const std::vector<std::string>& losses_of(nn::Predicts head);   // the first is the default, of the metrics, too
const std::vector<std::string>& metrics_of(nn::Predicts head);  // of which the best epoch may be the best

// Calls f and puts `where`, if there is any, before the text of any Error.
template <class F>
auto within(const std::string& where, F f) {
  try {
    return f();
  } catch (const engine::Error& e) {
    if (where.empty()) throw;
    engine::fail("{}: {}", where, e.what());
  }
}

// Error unless `name` is one of them: "WHERE: 'nme' is not one of a, name (did you mean 'name'?)".
void check_name(const std::string& where, const std::string& name, const std::vector<std::string>& names);

}  // namespace spec
